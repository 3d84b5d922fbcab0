/* A process is killed at every instruction of what can be done with a dict. */
#include "torture/support/tables.h"

int main(int argc, char **argv) {
  torture_begin(argc, argv);
  torture_run("", kill_user_of_dict, false, dict_scenarios, n_dict_scenarios);
  torture_run("", kill_user_of_dict, false, dict_once_scenarios, n_dict_once_scenarios);
  torture_run("", kill_user_of_dict, false, dict_large_scenarios, n_dict_large_scenarios);
  torture_run(", beside another", kill_beside, false, dict_scenarios, n_dict_scenarios);
  torture_run(", twice", kill_twice, true, dict_scenarios, n_dict_scenarios);
  return torture_end();
}
