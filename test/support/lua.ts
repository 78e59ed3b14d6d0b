import fengari from 'fengari';

/** A real Lua, with what Argo CD gives scripts in argocd-cm: base, table, package and os, and nothing else. Lua 5.3; scripts keep to what 5.1 has, too. */

const { lua, lauxlib, lualib, to_luastring: bytes, to_jsstring: text } = fengari;
type State = ReturnType<typeof lauxlib.luaL_newstate>;

const LIBRARIES = [
  ['_G', lualib.luaopen_base],
  ['table', lualib.luaopen_table],
  ['package', lualib.luaopen_package],
  ['os', lualib.luaopen_os],
] as const;

/** Runs a script with the global `obj`; what it returns. Throws what the script throws. */
export function runLua(script: string, obj: unknown): unknown {
  const state = lauxlib.luaL_newstate();
  for (const [name, open] of LIBRARIES) {
    lauxlib.luaL_requiref(state, bytes(name), open, 1);
    lua.lua_pop(state, 1);
  }
  push(state, obj);
  lua.lua_setglobal(state, bytes('obj'));
  if (lauxlib.luaL_dostring(state, bytes(script)) !== lua.LUA_OK) throw new Error(text(lua.lua_tostring(state, -1)));
  return read(state, -1);
}

function push(state: State, value: unknown): void {
  if (value === null || value === undefined) lua.lua_pushnil(state);
  else if (typeof value === 'string') lua.lua_pushstring(state, bytes(value));
  else if (typeof value === 'number') lua.lua_pushnumber(state, value);
  else if (typeof value === 'boolean') lua.lua_pushboolean(state, value);
  else {
    lua.lua_newtable(state);
    const entries = Array.isArray(value)
      ? value.map((each, at): [number, unknown] => [at + 1, each])
      : Object.entries(value);
    for (const [key, each] of entries) {
      push(state, key);
      push(state, each);
      lua.lua_settable(state, -3);
    }
  }
}

/** A table whose keys are 1 to n is a list; an empty one is an object. */
function read(state: State, index: number): unknown {
  switch (lua.lua_type(state, index)) {
    case lua.LUA_TSTRING:
      return text(lua.lua_tostring(state, index));
    case lua.LUA_TNUMBER:
      return lua.lua_tonumber(state, index);
    case lua.LUA_TBOOLEAN:
      return lua.lua_toboolean(state, index);
    case lua.LUA_TTABLE:
      return readTable(state, index);
    default:
      return undefined;
  }
}

function readTable(state: State, index: number): unknown {
  const entries: [unknown, unknown][] = [];
  lua.lua_pushvalue(state, index);
  lua.lua_pushnil(state);
  while (lua.lua_next(state, -2) !== 0) {
    entries.push([read(state, -2), read(state, -1)]);
    lua.lua_pop(state, 1);
  }
  lua.lua_pop(state, 1);
  const isList = entries.length > 0 && entries.every(([key], at) => key === at + 1);
  return isList ? entries.map(([, value]) => value) : Object.fromEntries(entries as [string, unknown][]);
}
