import { EMPTY_CONFIG, type InterfaceConfig } from '../../../agent/protocol/wgquick/config.ts';

/** What may be written of an interface whose hooks may fail. */
export function withoutHooks(config: InterfaceConfig): InterfaceConfig {
  const { preUp, postUp, preDown, postDown } = EMPTY_CONFIG;
  return { ...config, preUp, postUp, preDown, postDown };
}
