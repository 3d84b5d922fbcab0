/* A process is killed at every instruction of making, holding and dropping queues. */
#include "torture/support/scenarios.h"

int main(int argc, char **argv) {
  torture_begin(argc, argv);
  torture_run("", kill_alone, false, object_scenarios, n_object_scenarios);
  return torture_end();
}
