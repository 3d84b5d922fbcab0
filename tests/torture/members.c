/* A process is killed at every instruction of coming, leaving, having a child, and
 * clearing up after another one that was killed. */
#include "torture/support/scenarios.h"

int main(int argc, char **argv) {
  torture_begin(argc, argv);
  torture_run("", kill_alone, false, member_scenarios, n_member_scenarios);
  torture_run("", kill_reaped, false, reaped_scenarios, n_reaped_scenarios);
  return torture_end();
}
