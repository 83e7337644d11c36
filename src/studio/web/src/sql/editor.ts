// The editor: CodeMirror in a shadow root, where it brings its style as a constructed sheet that the content security
// policy allows. This file is its own chunk, which is loaded with the first visit of the page.

import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { PostgreSQL, sql, SQLDialect, SQLite } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting, syntaxTree } from "@codemirror/language";
import { Compartment, EditorState, Prec, type Transaction } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

export interface Piece {
  text: string;
  /** Where it begins in the whole text. */
  from: number;
}

export interface EditorOptions {
  engine: "postgres" | "sqlite";
  /** Columns by table. */
  schema: Record<string, string[]>;
  text: string;
  onRun: () => void;
  onCancel: () => void;
  onChange: (text: string) => void;
}

export interface Editor {
  /** What is selected, or the statement at the cursor. Ends a completion. */
  piece: () => Piece;
  setText: (text: string) => void;
  /** Puts the cursor at a place in the text. */
  goTo: (at: number) => void;
  focus: () => void;
  destroy: () => void;
}

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--syntax-keyword)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--syntax-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--syntax-number)" },
  { tag: tags.comment, color: "var(--text-quiet)", fontStyle: "italic" },
  { tag: tags.typeName, color: "var(--syntax-type)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--ground)", color: "var(--text)", fontSize: "0.8125rem" },
  // The host draws it, where no line covers it.
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--text)", padding: "0.375rem 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "var(--panel)", color: "var(--text-quiet)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { backgroundColor: "var(--panel)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--accent-fill-strong) !important" },
  ".cm-tooltip": {
    backgroundColor: "var(--ground)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius)",
    boxShadow: "var(--shadow)",
    color: "var(--text)",
  },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "14rem" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "0.125rem 0.5rem" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent-fill-strong)", color: "var(--slate-12)" },
  ".cm-completionDetail": { color: "var(--text-quiet)", fontStyle: "normal", marginLeft: "0.75rem" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--fill-hover)" },
});

/** The statement that a place is in, by the grammar: a semicolon in a text or a comment ends none. */
function statementAt(state: EditorState, at: number): Piece {
  let found: Piece | null = null;
  let before: Piece | null = null;
  for (let node = syntaxTree(state).topNode.firstChild; node; node = node.nextSibling) {
    if (node.name !== "Statement") continue;
    const piece = { text: state.sliceDoc(node.from, node.to), from: node.from };
    if (node.from <= at) before = piece;
    if (node.from <= at && at <= node.to) found = piece;
  }
  if (found ?? before) return (found ?? before)!;
  const first = syntaxTree(state).topNode.getChild("Statement");
  return first ? { text: state.sliceDoc(first.from, first.to), from: first.from } : { text: "", from: 0 };
}

/**
 * Typing over what is selected. Chromium would keep the look of what it replaces by an inline style, which the content
 * security policy refuses and reports.
 */
const typeOver = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    const { from, to, empty } = view.state.selection.main;
    const text = event.data;
    if (event.inputType !== "insertText" || event.isComposing || empty || text === null) return false;
    event.preventDefault();
    const insert = (): Transaction => view.state.update(view.state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
    const handlers = view.state.facet(EditorView.inputHandler);
    if (!handlers.some((handle) => handle(view, from, to, text, insert))) view.dispatch(insert());
    return true;
  },
});

/** SQLite takes backticks too, but PostgreSQL does not: names are completed in the quotes of both. */
const SQLITE = SQLDialect.define({ ...SQLite.spec, identifierQuotes: '"`' });

export function createEditor(host: HTMLElement, options: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const place = document.createElement("div");
  place.style.height = "100%";
  root.append(place);
  const language = new Compartment();
  const view = new EditorView({
    parent: place,
    root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        Prec.highest(
          keymap.of([
            { key: "Mod-Enter", run: () => (options.onRun(), true) },
            { key: "Mod-.", run: () => (options.onCancel(), true) },
          ]),
        ),
        lineNumbers(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ icons: false }),
        // Tab is left to the page: a person without a mouse must get out of here.
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
        language.of(
          sql({
            dialect: options.engine === "sqlite" ? SQLITE : PostgreSQL,
            schema: options.schema,
            upperCaseKeywords: true,
          }),
        ),
        syntaxHighlighting(colours),
        look,
        typeOver,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "SQL statement", spellcheck: "false" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    piece: () => {
      closeCompletion(view);
      const { main } = view.state.selection;
      if (!main.empty) return { text: view.state.sliceDoc(main.from, main.to), from: main.from };
      return statementAt(view.state, main.head);
    },
    setText: (text) => {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: 0 } });
      view.focus();
    },
    goTo: (at) => {
      view.dispatch({ selection: { anchor: Math.min(at, view.state.doc.length) }, scrollIntoView: true });
      view.focus();
    },
    focus: () => view.focus(),
    destroy: () => {
      view.destroy();
      place.remove();
    },
  };
}
