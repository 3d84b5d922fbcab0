#include "share/connection.h"

#include "share/sync_layout.h"

int mc_connection_create(mc_ref incoming, mc_ref outgoing, mc_ref *connection) {
  mc_ref partners[2] = {incoming, outgoing};
  struct mc_sync *sync;
  int error = mc_sync_begin(MC_KIND_CONNECTION, partners, 2, &sync);
  if (error)
    return error;
  ((struct mc_connection *)sync)->only_writes = incoming == 0;
  *connection = mc_sync_finish(sync, MC_KIND_CONNECTION);
  return 0;
}

mc_ref mc_connection_incoming(mc_ref ref) {
  const struct mc_connection *connection = mc_at(ref);
  return connection->only_writes ? 0 : connection->partner[0];
}

mc_ref mc_connection_outgoing(mc_ref ref) {
  const struct mc_connection *connection = mc_at(ref);
  return connection->partner[connection->only_writes ? 0 : 1];
}
