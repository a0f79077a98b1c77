// SPDX-License-Identifier: Apache-2.0
// The columns of a list: which of them are shown is the person's choice, kept with them and said in the address for a colleague; by which of them the
// list is sorted is said there too, and is the server's to do, over all its rows. `ColumnTable` shows them, `ColumnPick` asks.
import { computed, reactive } from "vue";
import { prefer } from "@/shared/prefer";
import { columnsOf } from "@/shared/preferences";
import { useUrlText } from "@/shared/urlState";

export interface Column {
  /** As what is kept, and the server where it sorts by it, call it. */
  name: string;
  /** Its head, in the reader's language. */
  label: string;
  /** Classes of its head and cells: `num` over figures, which stand right-aligned, `mono`, `nowrap`. */
  look?: string;
  /** Always there: what the row is found by, and what is done with it. */
  fixed?: boolean;
  /** Read aloud only: the head of a column of buttons. */
  silent?: boolean;
  /** Shown to who chooses it; the others are the usual ones. */
  extra?: boolean;
  /** Whether the server sorts by it now, and the way in which one begins. */
  sort?: "up" | "down" | false;
}

export interface Columns<Of extends Column = Column> {
  all: readonly Of[];
  shown: readonly Of[];
  /** As the server takes it: `number`, `-number`. */
  sort: string;
  pick: (name: string) => void;
  sortBy: (name: string) => void;
}

const isUsual = (column: Column): boolean => column.extra !== true;
const textOf = (columns: readonly Column[]): string => columns.filter((column) => column.fixed !== true).map((column) => column.name).join(",");

/** Columns in their own order from a text such as `area,imei`; unknown names are left out, none at all means the usual. */
export function columnsFrom<Of extends Column>(all: readonly Of[], text: string): readonly Of[] {
  const wanted = new Set(text.split(","));
  const isKnown = all.some((column) => column.fixed !== true && wanted.has(column.name));
  return all.filter((column) => column.fixed === true || (isKnown ? wanted.has(column.name) : isUsual(column)));
}

/** The text for a choice with one column more or less; '' where it is the usual one. */
export function toggled(all: readonly Column[], shown: readonly Column[], name: string): string {
  const names = new Set(shown.map((column) => column.name));
  if (!names.delete(name)) names.add(name);
  const text = textOf(all.filter((column) => names.has(column.name)));
  return text === textOf(all.filter(isUsual)) ? "" : text;
}

/** The order after a press on the head of a column: its own way first, the other way after that. */
export function turned(sort: string, column: Column): string {
  const [first, second] = column.sort === "down" ? [`-${column.name}`, column.name] : [column.name, `-${column.name}`];
  return sort === first ? second : first;
}

interface Kept {
  /** How the list is sorted unless somebody says otherwise. */
  usual?: string;
  /** Orders that no head has. */
  also?: readonly string[];
  /** Key of the address that holds the list's place; a page with several lists names them apart. */
  place?: string;
}

/** `list`: under which name the choice is kept with the person. */
export function useColumns<Of extends Column>(list: string, all: () => readonly Of[], { usual = "", also = [], place = "cursor" }: Kept = {}): Columns<Of> {
  const key = (name: string): string => (place === "cursor" ? name : `${place}-${name}`);
  const chosen = useUrlText(key("columns"), columnsOf(list), []);
  const said = useUrlText(key("sort"), usual, [place]);
  const columns = computed(all);
  const shown = computed(() => columnsFrom(columns.value, chosen.value));
  // What the list cannot be sorted by – not at all, or not with the filters in force – is not asked for.
  const canSort = (sort: string): boolean => also.includes(sort) || columns.value.some((column) => Boolean(column.sort) && column.name === sort.replace(/^-/, ""));
  const sort = computed(() => (canSort(said.value) ? said.value : usual));
  return reactive({
    all: columns,
    shown,
    sort,
    pick(name: string): void {
      const text = toggled(columns.value, shown.value, name);
      chosen.value = text === "" ? "usual" : text; // said in the address, since what was kept was another
      void prefer({ columns: { [list]: text } });
    },
    sortBy(name: string): void {
      const column = columns.value.find((one) => one.name === name);
      if (column !== undefined) said.value = turned(sort.value, column);
    },
  }) as unknown as Columns<Of>;
}
