/* A producer is killed at every instruction of a put. */
#include "torture/support/scenarios.h"

int main(int argc, char **argv) {
  torture_begin(argc, argv);
  torture_run("", kill_alone, false, put_scenarios, n_put_scenarios);
  torture_run("", kill_alone, false, memory_scenarios, n_memory_scenarios);
  return torture_end();
}
