/* Lines that are written in one piece, for the layers above. */
#ifndef MC_CREW_LINE_H
#define MC_CREW_LINE_H

#include "os/line.h"

#endif
