import {
  defaultOf,
  type Setting,
  type SettingName,
  settingNames,
  settingOf,
  yamlKeyOf,
} from "./settings.ts";

/** A JSON schema, draft 2020-12: https://json-schema.org/draft/2020-12 */
export type Schema = Readonly<Record<string, unknown>>;

/**
 * The schema of the YAML file, for editors: from the table of settings. It knows keys, shapes and
 * ranges; what two settings may not say together, only `classvip config` tells.
 */
export function configSchema(): Schema {
  const forInstances = settingNames.filter((name) => settingOf(name).scope !== "process");
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "classvip",
    description: "Settings of classvip, and its plan of instances",
    type: "object",
    additionalProperties: false,
    properties: {
      ...propertiesOf(settingNames),
      instances: {
        description: "The plan: one instance for each class. Settings of an instance at the top " +
          "level count for all instances that don't say otherwise.",
        type: "array",
        minItems: 1,
        items: {
          type: "object",
          additionalProperties: false,
          properties: propertiesOf(forInstances),
        },
      },
    },
  };
}

function propertiesOf(names: readonly SettingName[]): Record<string, Schema> {
  return Object.fromEntries(names.flatMap((name) => {
    const key = yamlKeyOf(name);
    return key === undefined ? [] : [[key, schemaOf(settingOf(name))]];
  }));
}

function schemaOf(setting: Setting): Schema {
  const description = `${setting.text} Default: ${defaultOf(setting) || "none"}.`;
  // YAML's empty value is no value: the default counts.
  return { description, anyOf: [...shapesOf(setting), { type: "null" }] };
}

function shapesOf({ kind, words, range }: Setting): Schema[] {
  if (words !== undefined) return [{ enum: words }];
  if (range !== undefined) {
    const [minimum, maximum] = range;
    return [{ type: Number.isInteger(minimum) ? "integer" : "number", minimum, maximum }];
  }
  switch (kind) {
    case "boolean":
      return [{ type: "boolean" }];
    case "list":
      return [{ type: "array", items: { type: "string" } }, { type: "string" }];
    case "pools":
      return [{ type: "array", items: POOL }, { type: "string" }];
    case "map":
      return [{ type: "object", additionalProperties: { type: "string" } }];
    case "<duration>":
      return [
        { type: "string", pattern: "^(\\d+(\\.\\d+)?|(\\d+(\\.\\d+)?(ms|s|m|h))+)$" },
        { type: "number", minimum: 0 },
      ];
    default:
      return [{ type: "string" }];
  }
}

const WORDS = { anyOf: [{ type: "array", items: { type: "string" } }, { type: "string" }] };
const LABELS = {
  type: "object",
  additionalProperties: { type: ["string", "number", "boolean"] },
};
const EXPRESSION = (operators: readonly string[], values: Schema): Schema => ({
  type: "object",
  additionalProperties: false,
  required: ["key", "operator", ...values["minItems"] === 1 ? ["values"] : []],
  properties: { key: { type: "string" }, operator: { enum: operators }, values },
});
/** Labels themselves, or a LabelSelector of Kubernetes. */
const SELECTOR = {
  anyOf: [LABELS, {
    type: "object",
    additionalProperties: false,
    properties: {
      matchLabels: { ...LABELS, type: ["object", "null"] },
      matchExpressions: {
        type: ["array", "null"],
        items: {
          anyOf: [
            EXPRESSION(["In", "NotIn"], { type: "array", minItems: 1, items: { type: "string" } }),
            EXPRESSION(["Exists", "DoesNotExist"], { type: "array", maxItems: 0 }),
          ],
        },
      },
    },
  }],
};
export const POOL = {
  type: "object",
  additionalProperties: false,
  required: ["addresses"],
  properties: {
    name: { description: "Unique in the plan. Default: its first addresses.", type: "string" },
    addresses: { description: "CIDRs, ranges, single addresses; IPv4 and IPv6.", ...WORDS },
    autoAssign: {
      description: "Gives addresses to Services that ask for none. Default: true.",
      type: "boolean",
    },
    avoidEnds: {
      description: "Leaves out the first and last address of each IPv4 CIDR. Default: false.",
      type: "boolean",
    },
    namespaces: { description: "For Services of these. Default: all.", ...WORDS },
    namespaceSelector: {
      description: "For Services of namespaces whose labels fit. Default: all.",
      ...SELECTOR,
    },
    serviceSelector: {
      description: "For Services whose labels fit. Default: all.",
      ...SELECTOR,
    },
  },
};
