/* A consumer is killed at every instruction of a take, a settling or a return. */
#include "torture/support/scenarios.h"

int main(int argc, char **argv) {
  torture_begin(argc, argv);
  torture_run("", kill_alone, false, take_scenarios, n_take_scenarios);
  return torture_end();
}
