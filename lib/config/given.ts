import { type ConfigProblem, hideSecrets } from "./errors.ts";
import { findEnv, findFlag, isBooleanFlag, type Named, rightEnv, rightFlag } from "./names.ts";
import { type SettingName, settingOf } from "./settings.ts";

/** A value as somebody wrote it. */
export interface Given {
  readonly text: string;
  /** `flag --x`, `env X` or `file path:line`. */
  readonly source: string;
  /** It came under another name than the setting's own. */
  readonly alias?: true;
  readonly prevails?: true;
}

/** The values of one level of precedence. */
export type Layer = ReadonlyMap<SettingName, Given>;

/** A flag of the command line, without its leading dashes; undefined: no value followed. */
export interface GivenFlag {
  readonly flag: string;
  readonly value: string | undefined;
}

/** What flags and env say, the strongest level first. */
export interface GivenSettings {
  readonly layers: readonly Layer[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

/**
 * The variables that the kubelet sets for a Service called classvip or classvip-something:
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
const SERVICE_LINK =
  /^CLASSVIP_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** What only kube-vip's variables look like: an older or newer one may have it. */
const KUBE_VIP_LIKE = /^(vip|svc|lb|bgp|cp)_/;

/** Sorts flags and env by setting: flags first, then `CLASSVIP_` variables, then aliases in env. */
export function collectGiven(
  flags: readonly GivenFlag[],
  env: Readonly<Record<string, string>>,
): GivenSettings {
  const collector = new Collector([...flags.map(({ flag }) => flag), ...Object.keys(env)]);
  const flagLayer = new Map<SettingName, Given>();
  const envLayer = new Map<SettingName, Given>();
  const aliasLayer = new Map<SettingName, Given>();

  for (const { flag, value } of flags) {
    const source = `flag ${flag.length === 1 ? "-" : "--"}${flag}`;
    const named = findFlag(flag);
    if (!named) {
      collector.refuse(flag, source, "no such flag", rightFlag(flag));
    } else if (value === undefined && !isBooleanFlag(flag)) {
      collector.refuse(flag, source, "its value is missing", `--${flag}=value`);
    } else {
      collector.take(flagLayer, named, flag, (value ?? "true").trim(), source);
    }
  }

  for (const [name, value] of Object.entries(env)) {
    const text = value.trim();
    const named = findEnv(name);
    if (named) {
      // Manifests leave variables empty to say "not set".
      if (text === "") continue;
      collector.take(
        named.kind === "own" ? envLayer : aliasLayer,
        named,
        name,
        text,
        `env ${name}`,
      );
    } else if (name.startsWith("CLASSVIP_") && !SERVICE_LINK.test(name)) {
      collector.refuse(name, `env ${name}`, "no such setting", rightEnv(name));
    } else if (KUBE_VIP_LIKE.test(name) && text !== "") {
      collector.ignore(`env ${name}`, "classvip does not know it");
    }
  }

  for (const [name, own] of envLayer) {
    const alias = aliasLayer.get(name);
    if (alias && !saysTheSame(name, alias, own)) collector.warnOverruled(alias, own);
  }
  return {
    layers: [flagLayer, envLayer, aliasLayer],
    problems: collector.problems,
    warnings: collector.finish(),
  };
}

class Collector {
  readonly problems: ConfigProblem[] = [];
  readonly #warnings: string[] = [];
  readonly #same: string[] = [];
  /** Sources by the reason why they have no effect. */
  readonly #ignored = new Map<string, string[]>();
  readonly #has: (...names: string[]) => boolean;

  constructor(givenNames: readonly string[]) {
    const all = new Set(givenNames);
    this.#has = (...names) => names.some((name) => all.has(name));
  }

  refuse(setting: string, source: string, problem: string, right: string, value?: string): void {
    this.problems.push({ setting, value, source, problem, right });
  }

  ignore(source: string, why: string): void {
    this.#ignored.set(why, [...this.#ignored.get(why) ?? [], source]);
  }

  take(
    layer: Map<SettingName, Given>,
    named: Named,
    name: string,
    text: string,
    source: string,
  ): void {
    if (named.kind === "own") return this.#put(layer, named.setting, { text, source });
    if (named.kind === "alias") {
      const { convert, prevails } = named.alias;
      const given = { text: convert?.(text) ?? text, source, alias: true as const };
      return this.#put(layer, named.setting, { ...given, ...(prevails && { prevails }) });
    }
    const verdict = named.rule.judge(text, this.#has);
    if ("same" in verdict) {
      this.#same.push(source);
    } else if ("ignored" in verdict) {
      this.ignore(source, verdict.ignored);
    } else if ("use" in verdict) {
      this.#put(layer, verdict.use, { text: verdict.value, source, alias: true });
    } else {
      const value = hideSecrets(text);
      this.refuse(name, source, verdict.problem, verdict.right, value);
    }
  }

  #put(layer: Map<SettingName, Given>, name: SettingName, given: Given): void {
    const before = layer.get(name);
    if (before && settingOf(name).repeatable) {
      layer.set(name, { text: `${before.text},${given.text}`, source: given.source });
      return;
    }
    if (before && !saysTheSame(name, before, given)) {
      if (before.prevails) return this.warnOverruled(given, before);
      if (given.prevails) this.warnOverruled(before, given);
      else {
        const problem = `${before.source} says ${JSON.stringify(hideSecrets(before.text))}`;
        const value = hideSecrets(given.text);
        return this.refuse(name, given.source, problem, "one of them", value);
      }
    }
    layer.set(name, given);
  }

  warnOverruled(weaker: Given, stronger: Given): void {
    const [weak, strong] = [weaker, stronger].map(({ text, source }) =>
      `${source} (${JSON.stringify(hideSecrets(text))})`
    );
    this.#warnings.push(`${weak} is overruled by ${strong}`);
  }

  finish(): string[] {
    const warnings = [...this.#warnings];
    if (this.#same.length > 0) {
      warnings.push(`${this.#same.join(", ")}: not needed, classvip does just that`);
    }
    for (const [why, sources] of this.#ignored) {
      warnings.push(`${sources.join(", ")}: no effect, ${why}`);
    }
    const hasKubeVipClass = this.#has("lb_class_name", "lbClassName");
    const saysIfClassless = this.#has(
      ...["lb_class_only", "lbClassOnly", "lb_class_legacy_handling", "lbClassNameLegacyHandling"],
      ...["alsoClassless", "CLASSVIP_ALSO_CLASSLESS"],
    );
    if (hasKubeVipClass && !saysIfClassless) {
      warnings.push(
        "kube-vip serves Services without a class beside those of lb_class_name, classvip does " +
          "not; alsoClassless=true adds them, alsoClassless=false silences this",
      );
    }
    return warnings;
  }
}

function saysTheSame(name: SettingName, a: Given, b: Given): boolean {
  const [left, right] = [a, b].map(({ text }) => {
    const parsed = settingOf(name).parse(text);
    return parsed.ok ? JSON.stringify(parsed.value) ?? "" : text;
  });
  return left === right;
}
