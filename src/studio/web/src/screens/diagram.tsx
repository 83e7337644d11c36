// The tables as the live database has them and what they refer to, with what differs from what the program asks for.

import { useEffect, useRef, useState } from "preact/hooks";
import { type Diagram, type DiagramEdge, readDiagram } from "../api/sql";
import { copyText } from "../parts/clipboard";
import { countWords } from "../parts/count";
import { Link } from "../parts/link";
import { Command, RefusalBox } from "../parts/refusal";
import { save } from "../parts/save";
import { Text } from "../parts/text";
import type { Box, Layout, Line } from "../diagram/layout";
import { HEAD, kindWords, PADDING, ROW } from "../diagram/sizes";
import { tableNamed } from "../state/catalog";
import { useFocus, useLoaded } from "../state/hooks";
import { href, tableView } from "../state/route";
import { visible } from "../text/visible";

/** The smallest scale at which the names can be read. */
const LEAST = 0.75;

function useLayout(diagram: Diagram | null): Layout | null {
  const [layout, setLayout] = useState<Layout | null>(null);
  useEffect(() => {
    let gone = false;
    if (diagram) void import("../diagram/layout").then(({ layoutOf }) => !gone && setLayout(layoutOf(diagram)));
    return () => {
      gone = true;
    };
  }, [diagram]);
  return layout;
}

export function DiagramScreen() {
  const { value, problem } = useLoaded(readDiagram, []);
  const layout = useLayout(value);
  const drawing = useRef<SVGSVGElement>(null);
  const drifted = value?.tables.filter(({ drift, missing }) => drift.length || missing) ?? [];
  return (
    <main class="diagram" tabIndex={-1} ref={useFocus()}>
      <header class="screen-head">
        <div>
          <h1>Diagram</h1>
          <p class={drifted.length ? "warn" : "quiet"}>
            {value && (drifted.length ? `${drifted.length} tables are not what this program asks for` : "The database is what this program asks for")}
          </p>
        </div>
        {value && layout && (
          <div class="buttons">
            <button type="button" class="button" onClick={() => save(svgFile(drawing.current!), "diagram.svg")}>
              Save SVG
            </button>
            <button type="button" class="button" onClick={() => save(new Blob([value.mermaid], { type: "text/plain" }), "diagram.mmd")}>
              Save Mermaid
            </button>
            <button type="button" class="button" onClick={() => void copyText(value.mermaid, "the diagram")}>
              Copy Mermaid
            </button>
          </div>
        )}
      </header>
      {problem && <RefusalBox refusal={problem} />}
      <div class="diagram-body" tabIndex={0} role="region" aria-label="Diagram" aria-busy={!layout}>
        {drifted.length > 0 && (
          <section class="refusal">
            <h2>Drift</h2>
            <ul>
              {drifted.flatMap(({ table, drift, missing }) =>
                (missing ? ["the table is not there"] : drift).map((words) => (
                  <li key={`${table} ${words}`}>
                    <code>
                      <Text value={table} />
                    </code>{" "}
                    <Text value={words} />
                  </li>
                )),
              )}
            </ul>
            <Command text="skyteam db diff" />
          </section>
        )}
        {layout && (
          <svg
            ref={drawing}
            class="er"
            viewBox={`0 0 ${layout.width} ${layout.height}`}
            width={layout.width}
            height={layout.height}
            // As wide as the window where that is legible; beyond, it is scrolled.
            style={{ minWidth: `${Math.round(layout.width * LEAST)}px` }}
            role="group"
            aria-label={`${layout.boxes.length} tables, ${layout.lines.length} references`}
          >
            {layout.lines.map((line, index) => (
              <Reference key={index} line={line} />
            ))}
            {layout.boxes.map((box) => (
              <TableBox key={box.table.table} box={box} />
            ))}
          </svg>
        )}
      </div>
    </main>
  );
}

/** Bars, a ring and a crow's foot, at the end of a line that comes from the left or the right. */
function ends({ points, edge }: Line): string {
  const [first, last] = [points[0]!, points.at(-1)!];
  const out = points[1]!.x >= first.x ? 1 : -1;
  const into = points.at(-2)!.x <= last.x ? -1 : 1;
  const bar = (x: number, y: number): string => `M${x} ${y - 5}V${y + 5}`;
  const one = bar(first.x + out * 8, first.y) + (edge.optional ? "" : bar(first.x + out * 12, first.y));
  const foot = edge.unique ? bar(last.x + into * 8, last.y) : `M${last.x + into * 11} ${last.y}L${last.x} ${last.y - 6}M${last.x + into * 11} ${last.y}L${last.x} ${last.y + 6}`;
  return one + foot;
}

/** Straight at its ends, and from point to point in between as a wave without corners. */
function curve(points: Line["points"]): string {
  const [first, second, ...rest] = points;
  const last = rest.pop()!;
  let { x, y } = second!;
  const waves = rest.map((to) => {
    const middle = (x + to.x) / 2;
    const wave = `C${middle} ${y} ${middle} ${to.y} ${to.x} ${to.y}`;
    ({ x, y } = to);
    return wave;
  });
  return `M${first!.x} ${first!.y}H${second!.x}${waves.join("")}H${last.x}`;
}

function words({ from, columns, to, optional, unique }: DiagramEdge): string {
  const many = unique ? "at most one" : "any number";
  return `${from}.${columns.join(", ")} refers to ${optional ? "at most one" : "one"} row of ${to}; ${many} of ${from} to the same`;
}

function Reference({ line }: { line: Line }) {
  const { points, edge } = line;
  const first = points[0]!;
  const last = points.at(-1)!;
  const into = points.at(-2)!.x <= last.x ? -1 : 1;
  return (
    <g class="er-line">
      <title>{visible(words(edge))}</title>
      <path class="er-hit" d={curve(points)} />
      <path d={curve(points) + ends(line)} />
      {edge.optional && <circle cx={first.x + (points[1]!.x >= first.x ? 15 : -15)} cy={first.y} r={4} />}
      <circle cx={last.x + into * 15} cy={last.y} r={4} />
    </g>
  );
}

function TableBox({ box }: { box: Box }) {
  const { table, x, y, width, height } = box;
  const drifted = table.drift.length > 0 || table.missing;
  // The list at the left has counted what the database only guesses at.
  const rows = tableNamed(table.table)?.rows ?? table.rows;
  const count = rows ? countWords(rows) : "";
  return (
    <g class={`er-table${drifted ? " drifted" : ""}${table.missing ? " missing" : ""}`} transform={`translate(${x} ${y})`}>
      <rect class="er-box" width={width} height={height} rx={6} />
      <path class="er-head" d={`M0 6a6 6 0 0 1 6-6h${width - 12}a6 6 0 0 1 6 6v${HEAD - 6}h-${width}z`} />
      <Link href={href(tableView(table.table))} aria-label={`${visible(table.table)}, ${count} rows${drifted ? ", differs" : ""}`}>
        <text class="er-name" x={10} y={HEAD / 2 + 4}>
          {visible(table.table)}
        </text>
      </Link>
      <text class="er-count" x={width - 10} y={HEAD / 2 + 4} text-anchor="end">
        {table.missing ? "missing" : count}
      </text>
      {table.columns.map((column, index) => {
        const line = HEAD + PADDING + index * ROW + 13;
        return (
          <g key={column.name}>
            <text class={column.key ? "er-column key" : "er-column"} x={10} y={line}>
              {visible(column.name)}
              {column.nullable ? "?" : ""}
            </text>
            <text class="er-kind" x={width - 10} y={line} text-anchor="end">
              {[column.key && "PK", column.reference && "FK", column.unique && "UK"].filter(Boolean).join(" ")} {visible(kindWords(column.kind))}
            </text>
          </g>
        );
      })}
    </g>
  );
}

const STYLED = ["fill", "stroke", "stroke-width", "font-family", "font-size", "font-weight", "opacity", "stroke-dasharray"];

/** The drawing with its colours in it, so that it looks the same without this page. */
function svgFile(drawing: SVGSVGElement): Blob {
  const copy = drawing.cloneNode(true) as SVGSVGElement;
  const originals = [drawing, ...drawing.querySelectorAll("*")];
  const copies = [copy, ...copy.querySelectorAll("*")];
  originals.forEach((element, index) => {
    const style = getComputedStyle(element);
    for (const name of STYLED) copies[index]!.setAttribute(name, style.getPropertyValue(name));
    copies[index]!.removeAttribute("class");
    // Its links lead to this page.
    copies[index]!.removeAttribute("href");
  });
  copy.removeAttribute("style");
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  ground.setAttribute("width", "100%");
  ground.setAttribute("height", "100%");
  ground.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
  copy.prepend(ground);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" });
}
