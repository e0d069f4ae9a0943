/** Counts of test cases, steps among them. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** Counts the test cases of a JUnit report as `deno test --junit-path` writes it. */
export function tallyJunit(xml: string): Tally {
  const tally = { passed: 0, failed: 0, skipped: 0 };
  // Deno escapes "<" in names and messages, so that these are tags and nothing else.
  for (const testcase of xml.split("<testcase ").slice(1)) {
    if (/<(failure|error)\b/.test(testcase)) tally.failed++;
    else if (/<skipped\b/.test(testcase)) tally.skipped++;
    else tally.passed++;
  }
  return tally;
}

/** The sums of both. */
export function addTally(a: Tally, b: Tally): Tally {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}
