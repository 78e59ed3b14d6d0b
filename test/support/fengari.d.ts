/** What we use of fengari, which brings no types. */
declare module 'fengari' {
  interface LuaState {
    readonly lua: 'state';
  }
  type LuaText = Uint8Array;
  type Open = (state: LuaState) => number;
  const fengari: {
    readonly lua: {
      readonly LUA_OK: number;
      readonly LUA_TSTRING: number;
      readonly LUA_TNUMBER: number;
      readonly LUA_TBOOLEAN: number;
      readonly LUA_TTABLE: number;
      lua_pop(state: LuaState, count: number): void;
      lua_setglobal(state: LuaState, name: LuaText): void;
      lua_pushnil(state: LuaState): void;
      lua_pushstring(state: LuaState, text: LuaText): void;
      lua_pushnumber(state: LuaState, value: number): void;
      lua_pushboolean(state: LuaState, value: boolean): void;
      lua_pushvalue(state: LuaState, index: number): void;
      lua_newtable(state: LuaState): void;
      lua_settable(state: LuaState, index: number): void;
      lua_type(state: LuaState, index: number): number;
      lua_tostring(state: LuaState, index: number): LuaText;
      lua_tonumber(state: LuaState, index: number): number;
      lua_toboolean(state: LuaState, index: number): boolean;
      lua_next(state: LuaState, index: number): number;
    };
    readonly lauxlib: {
      luaL_newstate(): LuaState;
      luaL_requiref(state: LuaState, name: LuaText, open: Open, isGlobal: number): void;
      luaL_dostring(state: LuaState, script: LuaText): number;
    };
    readonly lualib: {
      readonly luaopen_base: Open;
      readonly luaopen_table: Open;
      readonly luaopen_package: Open;
      readonly luaopen_os: Open;
    };
    readonly to_luastring: (text: string) => LuaText;
    readonly to_jsstring: (text: LuaText) => string;
  };
  export default fengari;
}
