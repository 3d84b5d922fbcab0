/* A process is killed at some instruction, and the next one, which does the same and so
 * has to recover what the first one left, at some other. */
#include "torture/support/scenarios.h"

int main(int argc, char **argv) {
  torture_begin(argc, argv);
  torture_run(", twice", kill_twice, true, put_scenarios, n_put_scenarios);
  torture_run(", twice", kill_twice, true, memory_scenarios, n_memory_scenarios);
  torture_run(", twice", kill_twice, true, take_scenarios, n_take_scenarios);
  torture_run(", twice", kill_twice, true, object_scenarios, n_object_scenarios);
  return torture_end();
}
