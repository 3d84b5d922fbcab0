/* The bars of this process on the terminal, for the layers above. */
#ifndef MC_CREW_SCREEN_H
#define MC_CREW_SCREEN_H

#include "os/screen.h"

#endif
