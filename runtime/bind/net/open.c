/* What net.so shows: one table. */
#include "bind/net/parts.h"
#include "include/mooncrew.h"
#include "net/http.h"

extern MOONCREW_API const struct bind_net mooncrew_net;

const struct bind_net mooncrew_net = {
    .version = MOONCREW_VERSION,
    .use = bind_net_use,
    .open_http = bind_net_open_http,
    .open_html = bind_net_open_html,
    .forked = mc_http_forked,
};
