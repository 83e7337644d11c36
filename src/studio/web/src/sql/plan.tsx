// A plan as a tree: what each step does, what it costs, and where the time goes.

import type { Answer } from "../api/sql";
import { Text } from "../parts/text";
import { grouped } from "../text/number";

export interface Step {
  title: string;
  details: string[];
  /** Its own part of the whole, without that of the steps within it; null where none is known. */
  share: number | null;
  numbers: string[];
  steps: Step[];
}

type Node = Record<string, unknown>;

function text(node: Node, name: string): string | null {
  const value = node[name];
  return typeof value === "string" || typeof value === "number" ? String(value) : Array.isArray(value) ? value.join(", ") : null;
}

function number(node: Node, name: string): number | null {
  const value = node[name];
  return typeof value === "number" ? value : null;
}

const DETAILS = ["Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter", "Sort Key", "Group Key"];

function children(node: Node): Node[] {
  return Array.isArray(node["Plans"]) ? (node["Plans"] as Node[]) : [];
}

/** Milliseconds where it was run, else the planner's cost: of all turns, of the step with those within. */
function weight(node: Node): number {
  const time = number(node, "Actual Total Time");
  return time === null ? (number(node, "Total Cost") ?? 0) : time * (number(node, "Actual Loops") ?? 1);
}

function postgresStep(node: Node, whole: number): Step {
  const own = Math.max(0, weight(node) - children(node).reduce((sum, child) => sum + weight(child), 0));
  const where = [text(node, "Relation Name"), text(node, "Index Name"), text(node, "CTE Name"), text(node, "Function Name")];
  const on = where.filter(Boolean).join(", ");
  const actual = number(node, "Actual Rows");
  const planned = number(node, "Plan Rows");
  const loops = number(node, "Actual Loops") ?? 1;
  const numbers: string[] = [];
  if (actual !== null) {
    numbers.push(`${grouped(actual * loops)} rows`, `${weight(node).toFixed(2)} ms`);
    if (planned !== null && Math.max(planned, actual) > 10 * Math.max(1, Math.min(planned, actual))) {
      numbers.push(`${grouped(planned)} expected`);
    }
  } else if (planned !== null) numbers.push(`about ${grouped(planned)} rows`, `cost ${grouped(Math.round(weight(node)))}`);
  return {
    title: [text(node, "Join Type"), text(node, "Node Type"), on && `on ${on}`].filter(Boolean).join(" "),
    details: DETAILS.flatMap((name) => (text(node, name) ? [`${name}: ${text(node, name)}`] : [])),
    share: whole > 0 ? own / whole : null,
    numbers,
    steps: children(node).map((child) => postgresStep(child, whole)),
  };
}

/** The plan in an answer to an EXPLAIN; null where it is of another form. */
export function planOf(answer: Answer): { steps: Step[]; summary: string[] } | null {
  const first = answer.rows[0]?.[0];
  if (answer.columns.length === 1 && typeof first === "string") {
    try {
      const [top] = JSON.parse(first) as Node[];
      const plan = top!["Plan"] as Node;
      const times = ["Planning Time", "Execution Time"].flatMap((name) => {
        const time = number(top!, name);
        return time === null ? [] : [`${name.toLowerCase()} ${time.toFixed(2)} ms`];
      });
      return { steps: [postgresStep(plan, weight(plan))], summary: times };
    } catch {
      return null;
    }
  }
  if (answer.columns.map(({ name }) => name).join() !== "id,parent,notused,detail") return null;
  const byId = new Map<string, Step>();
  const steps: Step[] = [];
  for (const [id, parent, , detail] of answer.rows) {
    const step: Step = { title: String(detail), details: [], share: null, numbers: [], steps: [] };
    byId.set(String(id), step);
    (byId.get(String(parent))?.steps ?? steps).push(step);
  }
  return { steps, summary: [] };
}

const COSTLY = 0.4;

function PlanStep({ step }: { step: Step }) {
  const costly = step.share !== null && step.share >= COSTLY;
  const reads = /^SCAN /.test(step.title) && !/ USING /.test(step.title);
  return (
    <li>
      <div class={costly ? "plan-step costly" : "plan-step"}>
        <p>
          <strong>
            <Text value={step.title} />
          </strong>
          {step.numbers.map((words) => (
            <span key={words} class="quiet">
              {words}
            </span>
          ))}
          {step.share !== null && (
            <span class="plan-share">
              <meter min={0} max={1} value={step.share} aria-label="Its own share of the whole" /> {Math.round(step.share * 100)} %
            </span>
          )}
          {costly && <span class="warn">most of it</span>}
          {reads && <span class="warn">reads every row</span>}
        </p>
        {step.details.map((detail) => (
          <p key={detail} class="mono quiet">
            <Text value={detail} />
          </p>
        ))}
      </div>
      {step.steps.length > 0 && (
        <ul>
          {step.steps.map((inner, index) => (
            <PlanStep key={index} step={inner} />
          ))}
        </ul>
      )}
    </li>
  );
}

export function PlanTree({ steps }: { steps: Step[] }) {
  return (
    <div class="plan" tabIndex={0} role="region" aria-label="Plan">
      <ul>
        {steps.map((step, index) => (
          <PlanStep key={index} step={step} />
        ))}
      </ul>
    </div>
  );
}
