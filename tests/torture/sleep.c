/* A process is killed at every instruction of waking others, and of being woken. */
#include "torture/support/scenarios.h"

int main(int argc, char **argv) {
  torture_begin(argc, argv);
  torture_run("", kill_watched, false, watched_scenarios, n_watched_scenarios);
  torture_run("", kill_woken, false, woken_scenarios, n_woken_scenarios);
  torture_run(", supervised", kill_supervised, false, watched_scenarios,
              n_watched_scenarios);
  torture_run(", supervised", kill_supervised, false, coming_scenarios,
              n_coming_scenarios);
  return torture_end();
}
