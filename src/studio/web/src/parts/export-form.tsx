// The view as a file: its rows, all of them, with its filters, sorting and columns. The file is written as the command
// line writes it.

import { useRef, useState } from "preact/hooks";
import { ApiError, isAbort } from "../api/http";
import { exportView, type Format, type Query } from "../api/routes";
import type { Refusal } from "../api/types";
import { grouped } from "../text/number";
import { announce } from "./live";
import { RefusalBox } from "./refusal";
import { save } from "./save";

const FORMATS: { format: Format; name: string; ending: string; hint: string }[] = [
  { format: "csv", name: "CSV", ending: "csv", hint: "for spreadsheets and imports" },
  { format: "json", name: "JSON", ending: "json", hint: "for programs; NULL stays NULL" },
  { format: "markdown", name: "Markdown", ending: "md", hint: "for a message or an issue" },
];

const CUT_OFF: Refusal = {
  code: "export_cut",
  message: "the export broke off, and nothing was saved",
  why: "The connection ended before the last row.",
  fix: "Export again.",
  retryable: false,
};

/** Reads the whole answer, so that a file is saved only when it is complete. */
async function collect(response: Response, onBytes: (bytes: number) => void): Promise<Blob> {
  const chunks: BlobPart[] = [];
  let bytes = 0;
  const reader = response.body!.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    chunks.push(part.value);
    bytes += part.value.byteLength;
    onBytes(bytes);
  }
  return new Blob(chunks);
}

export function ExportForm({ query, onDone }: { query: Query; onDone: () => void }) {
  const [format, setFormat] = useState<Format>("csv");
  const [safe, setSafe] = useState(true);
  const [bytes, setBytes] = useState<number | null>(null);
  const [problem, setProblem] = useState<Refusal | null>(null);
  const stopper = useRef<AbortController | null>(null);

  const run = async (): Promise<void> => {
    stopper.current = new AbortController();
    setProblem(null);
    setBytes(0);
    try {
      const blob = await collect(await exportView(query, format, safe, stopper.current.signal), setBytes);
      const { ending } = FORMATS.find((known) => known.format === format)!;
      save(blob, `${query.table}.${ending}`);
      announce(`Saved ${query.table}.${ending}, ${grouped(blob.size)} bytes.`);
      onDone();
    } catch (error) {
      if (isAbort(error)) return;
      setProblem(error instanceof ApiError ? error.refusal : CUT_OFF);
    } finally {
      setBytes(null);
    }
  };

  return (
    <form
      class="export"
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <fieldset class="choices">
        <legend>Every row of this view, as</legend>
        {FORMATS.map(({ format: value, name, hint }) => (
          <label key={value}>
            <input
              type="radio"
              name="format"
              checked={format === value}
              data-focus={format === value || undefined}
              onChange={() => setFormat(value)}
            />
            <span>
              {name} <span class="quiet">{hint}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {format === "csv" && (
        <label class="check">
          <input type="checkbox" checked={safe} onChange={(event) => setSafe(event.currentTarget.checked)} />
          <span>
            Safe for spreadsheets <span class="quiet">a text that would run as a formula gets a ' before it</span>
          </span>
        </label>
      )}
      {problem && <RefusalBox refusal={problem} />}
      <div class="buttons">
        {bytes === null ? (
          <button type="submit" class="button primary">
            Download
          </button>
        ) : (
          <button type="button" class="button" onClick={() => stopper.current?.abort()}>
            Cancel, {grouped(bytes)} bytes so far
          </button>
        )}
      </div>
    </form>
  );
}
