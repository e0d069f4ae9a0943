export type Labels = Readonly<Record<string, string>>;

/** `matchExpressions` of Kubernetes' LabelSelector, and its words. */
export const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

/** What is asked of one label. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: typeof OPERATORS[number];
  /** One at least for In and NotIn, none for the others. */
  readonly values: readonly string[];
}

/** All of it has to fit; an empty one fits everything. */
export type LabelSelector = readonly LabelRequirement[];

/** @returns the first requirement that the labels do not fit, as kubectl's `--selector` has it */
export function whatLacks(selector: LabelSelector, labels: Labels): string | undefined {
  const lacking = selector.find((requirement) => !fits(requirement, labels[requirement.key]));
  return lacking && describe(lacking);
}

function fits({ operator, values }: LabelRequirement, label: string | undefined): boolean {
  switch (operator) {
    case "In":
      return label !== undefined && values.includes(label);
    case "NotIn":
      return label === undefined || !values.includes(label);
    case "Exists":
      return label !== undefined;
    case "DoesNotExist":
      return label === undefined;
  }
}

function describe({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case "In":
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(",")})`;
    case "NotIn":
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(",")})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
  }
}
