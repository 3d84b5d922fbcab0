/* Finding the place of a C function or class in the loaded modules.
 *
 * A scan notes for each C function and table that modules hold, one or two levels down,
 * in which table it lies and under which key. The notes are only hints: a path is
 * followed back before it is used, since scripts change modules as they like. Nothing
 * here collects garbage. */
#ifndef MC_WIRE_SCAN_H
#define MC_WIRE_SCAN_H

#include <lua.h>

/* Notes what is reachable now. `self` is the stack index of the codec's userdata. Raises
 * when there is no memory; the notes made by then are good. */
void wire_scan(lua_State *L, int self);

/* Pushes the keys that lead to the value at `at`, innermost first and the module's name
 * last, and returns their number; 0: not known. */
int wire_path_of(lua_State *L, int self, int at);

#endif
