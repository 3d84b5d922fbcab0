/* A process is killed at every instruction of what can be done with a list or an array.
 */
#include "torture/support/tables.h"

int main(int argc, char **argv) {
  torture_begin(argc, argv);
  torture_run("", kill_user_of_list, false, list_scenarios, n_list_scenarios);
  torture_run("", kill_user_of_list, false, list_once_scenarios, n_list_once_scenarios);
  torture_run(", beside another", kill_beside, false, list_scenarios, n_list_scenarios);
  torture_run(", twice", kill_twice, true, list_scenarios, n_list_scenarios);
  return torture_end();
}
