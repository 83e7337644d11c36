// What is going on: flights in the air and due, miles in and out, the largest movements, what the doctor finds.

import { awardForm } from "../actions/miles";
import { planForm } from "../actions/flights";
import { type Finding, type Movements, readBoard, readFindings, readMovements } from "../api/records";
import { FlightList } from "../parts/flight-list";
import { Link } from "../parts/link";
import { Act, Actions, ListCard, Miles, When } from "../parts/page";
import { Command, RefusalBox } from "../parts/refusal";
import { Text } from "../parts/text";
import { changes } from "../state/actions";
import { useLoaded } from "../state/hooks";
import { href } from "../state/route";
import { grouped } from "../text/number";

export function Overview() {
  return (
    <>
      <div class="overview-actions">
        <Actions>
          <Act primary form={() => awardForm(null)}>
            Award miles…
          </Act>
          <Act form={() => planForm(null)}>Plan a flight…</Act>
        </Actions>
      </div>
      <div class="overview">
        <div class="overview-column">
          <Flights />
          <Largest />
        </div>
        <div class="overview-column">
          <InAndOut />
          <Findings />
        </div>
      </div>
    </>
  );
}

function Flights() {
  const { value, problem } = useLoaded(readBoard, [String(changes.value)]);
  if (problem) return <RefusalBox refusal={problem} />;
  return value && <FlightList flights={value} empty="Nothing is in the air or due." />;
}

function useMovements() {
  return useLoaded(readMovements, [String(changes.value)]);
}

function Largest() {
  const { value, problem } = useMovements();
  if (problem) return <RefusalBox refusal={problem} />;
  return (
    value && (
      <ListCard
        title="Largest movements"
        count="30 days"
        label="Largest movements"
        empty="Nothing has moved."
        columns={[["When"], ["Player"], ["Miles", "numeric"], ["Source"], ["Reason"]]}
        rows={value.largest.map((entry) => (
          <tr key={entry.id}>
            <td>
              <When at={entry.createdAt} />
            </td>
            <td>
              <Link href={href({ screen: "player", key: entry.userId })}>
                <Text value={entry.username} />
              </Link>
            </td>
            <td class="numeric">
              <Miles value={entry.amount} signed />
            </td>
            <td>
              <span class="badge">
                <Text value={entry.source} />
              </span>
            </td>
            <td>{entry.note && <Text value={entry.note} />}</td>
          </tr>
        ))}
      />
    )
  );
}

const DAY_MS = 86_400_000;
const WIDTH = 620;
const HEIGHT = 120;

/** Every day since the first one, those without entries too. */
function days({ since, days: known }: Movements): Movements["days"] {
  const by = new Map(known.map((day) => [day.day, day]));
  const first = Date.parse(`${since.slice(0, 10)}T00:00:00Z`);
  const count = Math.max(1, Math.floor((Date.now() - first) / DAY_MS) + 1);
  return Array.from({ length: count }, (_, at) => {
    const day = new Date(first + at * DAY_MS).toISOString().slice(0, 10);
    return by.get(day) ?? { day, earned: 0, spent: 0 };
  });
}

function InAndOut() {
  const { value, problem } = useMovements();
  if (problem) return <RefusalBox refusal={problem} />;
  if (!value) return null;
  const all = days(value);
  const earned = all.reduce((sum, day) => sum + day.earned, 0);
  const spent = all.reduce((sum, day) => sum + day.spent, 0);
  const up = Math.max(0, ...all.map((day) => day.earned));
  const down = Math.max(0, ...all.map((day) => -day.spent));
  const step = WIDTH / all.length;
  const height = (miles: number): number => (miles / Math.max(1, up + down)) * (HEIGHT - 2);
  const zero = up + down ? 1 + height(up) : HEIGHT / 2;
  return (
    <section class="card">
      <h2>
        <span>Miles in and out</span>
        <span class="number quiet">30 days, UTC</span>
      </h2>
      <div class="chart">
        <p>
          <span class="chart-in">
            <Miles value={earned} signed /> in
          </span>
          <span class="chart-out">
            <Miles value={spent} /> out
          </span>
        </p>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${grouped(earned)} miles earned and ${grouped(-spent)} spent in 30 days`}
        >
          {all.map((day, at) => (
            <g key={day.day}>
              <title>{`${day.day}: +${grouped(day.earned)}, ${grouped(day.spent)}`}</title>
              <rect class="chart-hover" x={at * step} y={0} width={step} height={HEIGHT} />
              <rect class="bar-in" x={at * step + 1.5} y={zero - height(day.earned)} width={step - 3} height={height(day.earned)} />
              <rect class="bar-out" x={at * step + 1.5} y={zero} width={step - 3} height={height(-day.spent)} />
            </g>
          ))}
          <line class="chart-zero" x1={0} x2={WIDTH} y1={zero} y2={zero} />
        </svg>
      </div>
    </section>
  );
}

const MARKS: Record<Finding["level"], string> = { error: "✗", warning: "!", ok: "✓" };
const CLASSES: Record<Finding["level"], string> = { error: "bad", warning: "warn", ok: "good" };

function Findings() {
  const { value, problem } = useLoaded(readFindings, []);
  if (problem) return <RefusalBox refusal={problem} />;
  const backup = value?.find(({ area, name }) => area === "backups" && name === "proved");
  const wrong = (value ?? []).filter((finding) => finding.level !== "ok" && finding !== backup);
  return (
    <section class="card" aria-busy={value === null}>
      <h2>
        <span>Findings</span>
        <span class="number quiet">{value ? `${grouped(value.filter(({ level }) => level === "ok").length)} checks are fine` : "looking…"}</span>
      </h2>
      {value && (
        <ul class="findings">
          {[backup, ...wrong].map(
            (finding) =>
              finding && (
                <li key={`${finding.area} ${finding.name} ${finding.found}`}>
                  <p>
                    <span class={CLASSES[finding.level]} aria-hidden="true">
                      {MARKS[finding.level]}
                    </span>{" "}
                    <strong>
                      {finding.area}: {finding.name}
                    </strong>{" "}
                    <Text value={finding.found} />
                  </p>
                  {finding.fix?.split(/\n|, then (?=skyteam )/).map((line) =>
                    line.startsWith("skyteam ") ? (
                      <Command key={line} text={line} />
                    ) : (
                      <p key={line} class="quiet">
                        <Text value={line} />
                      </p>
                    ),
                  )}
                </li>
              ),
          )}
        </ul>
      )}
    </section>
  );
}
