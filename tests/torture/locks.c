/* A process is killed at every instruction of what can be done with locks, semaphores,
 * events, conditions and barriers. */
#include "torture/support/locks.h"

int main(int argc, char **argv) {
  torture_begin(argc, argv);
  torture_run("", kill_alone, false, lock_scenarios, n_lock_scenarios);
  torture_run("", kill_alone, false, lock_once_scenarios, n_lock_once_scenarios);
  torture_run("", kill_alone, false, condition_scenarios, n_condition_scenarios);
  torture_run("", kill_watched, false, lock_sleep_scenarios, n_lock_sleep_scenarios);
  torture_run("", kill_woken, false, lock_woken_scenarios, n_lock_woken_scenarios);
  torture_run(", beside one", kill_beside, false, lock_scenarios, n_lock_scenarios);
  torture_run(", twice", kill_twice, true, lock_scenarios, n_lock_scenarios);
  return torture_end();
}
