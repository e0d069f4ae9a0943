import { type ConfigProblem, hideSecrets } from "./errors.ts";
import type { Given, Layer } from "./given.ts";
import { type SettingName, settingNames, settingOf, type SettingValue } from "./settings.ts";
import { formatDuration, type Parsed } from "./values.ts";

/** A setting as it counts, for `classvip config`. */
export interface EffectiveSetting {
  readonly name: SettingName;
  /** The instance's name; undefined for a setting of the process. */
  readonly instance: string | undefined;
  /** As somebody would write it; empty where there is none. Secrets are hidden. */
  readonly value: string;
  /** `flag --x`, `env X`, `file path:line`, `default`. */
  readonly source: string;
}

/** A parsed value and where it came from. */
export interface Resolved<T> {
  readonly value: T;
  readonly source: string;
  /** It was refused, and the value is only a stand-in: no use to check it against others. */
  readonly failed: boolean;
}

/** Takes each setting from the strongest level that has it, and notes what it found. */
export class Resolver {
  /** By their description: instances may share a wrong value. */
  readonly #problems = new Map<string, ConfigProblem>();
  #effective: Omit<EffectiveSetting, "instance">[] = [];

  /** @param findDefault for a setting whose default is found by loading. */
  resolve<K extends SettingName>(
    name: K,
    layers: readonly Layer[],
    findDefault?: () => Given,
  ): Resolved<SettingValue<K>> {
    const given = layers.find((layer) => layer.has(name))?.get(name) ??
      findDefault?.() ?? { text: settingOf(name).default ?? "", source: "default" };
    const { text, source } = given;
    const parsed = settingOf(name).parse(text) as Parsed<SettingValue<K>>;
    if (!parsed.ok) {
      const { problem, right } = parsed;
      const value = hideSecrets(text);
      this.#problems.set(
        JSON.stringify([name, value, source]),
        { setting: name, value, source, problem, right },
      );
      return { value: undefined as SettingValue<K>, source, failed: true };
    }
    // Of a file, where each part stands goes with it.
    if (settingOf(name).kind === "pools") {
      const pools = parsed.value as SettingValue<"pools">;
      const value = pools.flatMap(({ addresses }) => addresses).join(",");
      this.#effective.push({ name, value, source });
      return { value: parsed.value, source, failed: false };
    }
    const isNumber = settingOf(name).range !== undefined;
    const value = isNumber ? String(parsed.value) : formatValue(parsed.value);
    this.#effective.push({ name, value, source });
    return { value: parsed.value, source, failed: false };
  }

  get problems(): ConfigProblem[] {
    return [...this.#problems.values()];
  }

  /** @returns what was resolved since the last call, in the order of the table. */
  takeEffective(instance: string | undefined): EffectiveSetting[] {
    const taken = this.#effective;
    this.#effective = [];
    return taken.map((setting) => ({ ...setting, instance }))
      .sort((a, b) => settingNames.indexOf(a.name) - settingNames.indexOf(b.name));
  }
}

/** All other numbers among the settings are milliseconds. */
function formatValue(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "number") return formatDuration(value);
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
