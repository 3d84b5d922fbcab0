/* The ends of pipes: each reads from one queue and writes to another. */
#ifndef MC_SHARE_CONNECTION_H
#define MC_SHARE_CONNECTION_H

#include "share/space.h"

/* Either may be 0. The queues live as long as it does. 0 or MC_NOMEM. */
int mc_connection_create(mc_ref incoming, mc_ref outgoing, mc_ref *connection);

mc_ref mc_connection_incoming(mc_ref connection); /* 0: it only writes */
mc_ref mc_connection_outgoing(mc_ref connection); /* 0: it only reads */

#endif
