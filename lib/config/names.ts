import { nearest } from "./nearest.ts";
import { type KubeVipSetting, kubeVipSettings } from "./kube_vip.ts";
import {
  type Alias,
  envNameOf,
  type SettingName,
  settingNames,
  settingOf,
  yamlKeyOf,
} from "./settings.ts";

/** What a flag or an env variable stands for. */
export type Named =
  | { readonly kind: "own"; readonly setting: SettingName }
  | { readonly kind: "alias"; readonly setting: SettingName; readonly alias: Alias }
  | { readonly kind: "kube-vip"; readonly rule: KubeVipSetting };

const byFlag = new Map<string, Named>();
const byEnv = new Map<string, Named>();
const byYamlKey = new Map<string, SettingName>();
for (const rule of kubeVipSettings) {
  if (rule.flag) byFlag.set(rule.flag, { kind: "kube-vip", rule });
  if (rule.env) byEnv.set(rule.env, { kind: "kube-vip", rule });
}
for (const setting of settingNames) {
  for (const alias of settingOf(setting).aliases ?? []) {
    if (alias.flag) byFlag.set(alias.flag, { kind: "alias", setting, alias });
    if (alias.env) byEnv.set(alias.env, { kind: "alias", setting, alias });
  }
  byFlag.set(setting, { kind: "own", setting });
  byEnv.set(envNameOf(setting), { kind: "own", setting });
  const key = yamlKeyOf(setting);
  if (key) byYamlKey.set(key, setting);
}

/** @param flag without the leading dashes. */
export function findFlag(flag: string): Named | undefined {
  return byFlag.get(flag);
}

export function findEnv(env: string): Named | undefined {
  return byEnv.get(env);
}

export function findYamlKey(key: string): SettingName | undefined {
  return byYamlKey.get(key);
}

/** @returns whether the flag may stand without a value. */
export function isBooleanFlag(flag: string): boolean {
  const named = findFlag(flag);
  if (!named) return false;
  return named.kind === "kube-vip"
    ? named.rule.boolean ?? false
    : settingOf(named.setting).kind === "boolean";
}

/** What would be right where no name is like the one that was given. */
const IN_HELP = "one of those that `classvip help` lists";
const ownEnvNames = settingNames.map(envNameOf);

/** @returns what was probably meant by a flag that nobody knows, for people. */
export function rightFlag(flag: string): string {
  const hint = nearest(flag, byFlag.keys());
  return hint === undefined ? IN_HELP : asMeant(flag, hint, isBooleanFlag(hint));
}

/** @returns how to write the flag that was meant: for `--no-x`, which other programs have, `--x=false` */
export function asMeant(flag: string, meant: string, isBoolean: boolean): string {
  const isNegated = isBoolean && /^no/i.test(flag) && !/^no/i.test(meant);
  return `--${meant}${isNegated ? "=false" : ""}`;
}

/** As `rightFlag()`, for an own variable. */
export function rightEnv(env: string): string {
  return nearest(env, ownEnvNames) ?? IN_HELP;
}

/** As `rightFlag()`, for a key in the file: it may be the name of a flag or of a variable. */
export function rightYamlKey(word: string): string {
  const named = findEnv(word) ?? findFlag(word);
  const own = named && named.kind !== "kube-vip" ? yamlKeyOf(named.setting) : undefined;
  return own ?? nearest(word, byYamlKey.keys()) ?? IN_HELP;
}
