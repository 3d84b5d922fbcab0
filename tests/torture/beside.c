/* A process is killed at every instruction while another one does the same beside it. */
#include "torture/support/scenarios.h"

int main(int argc, char **argv) {
  torture_begin(argc, argv);
  torture_run(", beside one", kill_beside, false, put_scenarios, n_put_scenarios);
  torture_run(", beside one", kill_beside, false, memory_scenarios, n_memory_scenarios);
  torture_run(", beside one", kill_beside, false, take_scenarios, n_take_scenarios);
  torture_run(", beside one", kill_beside, false, object_scenarios, n_object_scenarios);
  torture_run("", kill_beside, false, mixed_scenarios, n_mixed_scenarios);
  return torture_end();
}
