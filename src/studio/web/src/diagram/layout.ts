// Where the boxes of the diagram are. This file is its own chunk, loaded with the first visit of the page.

import { Graph, layout } from "@dagrejs/dagre";
import type { Diagram, DiagramEdge, DiagramTable } from "../api/sql";
import { HEAD, kindWords, PADDING, ROW } from "./sizes";

export interface Box {
  table: DiagramTable;
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Point {
  x: number;
  y: number;
}

export interface Line {
  edge: DiagramEdge;
  points: Point[];
}

export interface Layout {
  boxes: Box[];
  lines: Line[];
  width: number;
  height: number;
}

const CHARACTER = 6.9;
const MARGIN = 32;
/** How far a line leaves a box straight, with its marks. */
const STUB = 24;

function widthOf({ table, columns }: DiagramTable): number {
  const longest = Math.max(table.length + 14, ...columns.map(({ name, kind }) => name.length + kindWords(kind).length + 6));
  return Math.round(Math.min(360, Math.max(170, longest * CHARACTER)));
}

/** The middle of a column's line; of the title where there is none by that name. */
function lineOf({ table, y }: Box, column: string | undefined): number {
  const index = table.columns.findIndex(({ name }) => name === column);
  return index < 0 ? y + HEAD / 2 : y + HEAD + PADDING + (index + 0.5) * ROW;
}

/** A line between the columns that are compared, from side to side; `between` is its way past other boxes. */
function route(edge: DiagramEdge, to: Box, from: Box, between: Point[]): Line {
  const forward = to.x + to.width <= from.x;
  // A table that refers to itself has a loop at its right.
  const isLoop = to === from;
  const first = { x: forward || isLoop ? to.x + to.width : to.x, y: lineOf(to, to.table.columns.find(({ key }) => key)?.name) };
  const last = { x: forward ? from.x : from.x + from.width, y: lineOf(from, edge.columns.at(-1)) };
  const out = forward || isLoop ? STUB : -STUB;
  const into = forward ? -STUB : STUB;
  return { edge, points: [first, { ...first, x: first.x + out }, ...between, { ...last, x: last.x + into }, last] };
}

/** A place between boxes as a way: straight on for as long as there are boxes above or below it. */
function way({ x, y }: Point, boxes: Box[]): Point[] {
  const beside = boxes.filter((box) => box.x <= x && x <= box.x + box.width);
  const left = Math.min(x, ...beside.map((box) => box.x));
  const right = Math.max(x, ...beside.map((box) => box.x + box.width));
  return [
    { x: left, y },
    { x: right, y },
  ];
}

export function layoutOf({ tables, edges }: Diagram): Layout {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 28, ranksep: 76, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const table of tables) {
    graph.setNode(table.table, { width: widthOf(table), height: HEAD + table.columns.length * ROW + 2 * PADDING });
  }
  const known = new Set(tables.map(({ table }) => table));
  const drawn = edges.filter(({ from, to }) => known.has(from) && known.has(to));
  drawn.forEach((edge, index) => {
    if (edge.to !== edge.from) graph.setEdge(edge.to, edge.from, {}, String(index));
  });
  layout(graph);
  const boxes = tables.map((table) => {
    const { x, y, width, height } = graph.node(table.table) as { x: number; y: number; width: number; height: number };
    return { table, x: x - width / 2, y: y - height / 2, width, height };
  });
  const boxOf = (name: string): Box => boxes.find(({ table }) => table.table === name)!;
  const lines = drawn.map((edge, index) => {
    const [to, from] = [boxOf(edge.to), boxOf(edge.from)];
    if (to === from) return route(edge, to, from, []);
    const { points } = graph.edge({ v: edge.to, w: edge.from, name: String(index) }) as { points: Point[] };
    // The first and the last are on the boxes, the second and the last but one beside them.
    const between = points.slice(2, -2).flatMap((point) => way(point, boxes));
    return route(edge, to, from, to.x > from.x ? between.reverse() : between);
  });
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { boxes, lines, width, height };
}
