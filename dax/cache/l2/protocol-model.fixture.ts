import { type Cell, fill, finish, hold, mark, read } from './cell-rules.fixture.ts';

/**
 * For tests: one key, its cell in L2, two nodes with their memory, some writers and readers, and
 * a Redis that forgets. `explore` goes through every order of their steps.
 *
 * Values are ranks: the table counts the writes it has done, and a value is the count at its time.
 */
export interface Scene {
  /** Node of each writer, and what becomes of its write. */
  readonly writers: readonly Writer[];
  /** Node of each reader. */
  readonly readers: readonly number[];
  /** How often Redis forgets the key. */
  readonly evictionsCount: number;
  readonly fault?: PlantedFault;
}

export interface Writer {
  readonly node: number;
  /** `uncertain`: the table does it at some time, or never; the writer hears nothing. */
  readonly kind: 'acknowledged' | 'failed' | 'uncertain';
}

/** Mistakes that the model has to notice. */
export type PlantedFault =
  | 'peers told before L2'
  | 'own memory before L2'
  | 'stored over other marks'
  | 'filled without lease'
  | 'flights survive invalidations'
  | 'flights survive own writes'
  | 'overlapping writes are kept'
  | 'no finish in L2';

/** A way to an old value, step by step. */
export interface Violation {
  readonly what: string;
  readonly steps: readonly string[];
}

interface State {
  /** Writes that the table has done. */
  readonly rank: number;
  /** Of the latest acknowledged write. */
  readonly acknowledged: number;
  readonly cell: Cell;
  /** By node; -1: nothing. */
  readonly memory: readonly number[];
  readonly writers: readonly WriterState[];
  readonly readers: readonly ReaderState[];
  readonly evictionsLeft: number;
}

interface WriterState {
  readonly step: number;
  /** Rank that its write got; -1: not done. */
  readonly value: number;
  readonly isOverlapped: boolean;
  /** What an uncertain write still has to do in the table. */
  readonly isPending: boolean;
}

interface ReaderState {
  readonly step: 'new' | 'l2' | 'table' | 'land' | 'fill' | 'joined' | 'done';
  /** The latest acknowledged write when the read began. */
  readonly floor: number;
  readonly value: number;
  readonly hasLease: boolean;
  readonly mayKeep: boolean;
  /** Its flight may be joined, and what it brings kept. */
  readonly isCurrent: boolean;
  /** Of the flight it has joined. */
  readonly pilot: number;
}

type Next = readonly [name: string, state: State];

/** The first violation found, if there is one, and how many states there are. */
export function explore(scene: Scene): { violation: Violation | undefined; statesCount: number } {
  const start = startOf(scene);
  const seen = new Set<string>([nameOf(start)]);
  const stack: { state: State; steps: Steps }[] = [{ state: start, steps: undefined }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    for (const [name, state] of nextOf(scene, top.state)) {
      const steps = { name, before: top.steps };
      const what = violationIn(state);
      if (what !== undefined)
        return { violation: { what, steps: listOf(steps) }, statesCount: seen.size };
      const text = nameOf(state);
      if (seen.has(text)) continue;
      seen.add(text);
      stack.push({ state, steps });
    }
  }
  return { violation: undefined, statesCount: seen.size };
}

/** Different for different states; made often, so by hand. */
function nameOf({
  rank,
  acknowledged,
  cell,
  memory,
  writers,
  readers,
  evictionsLeft,
}: State): string {
  let name = `${rank},${acknowledged},${cell},${memory},${evictionsLeft}`;
  for (const { step, value, isOverlapped, isPending } of writers) {
    name += `|${step},${value},${isOverlapped ? 1 : 0}${isPending ? 1 : 0}`;
  }
  for (const { step, floor, value, hasLease, mayKeep, isCurrent, pilot } of readers) {
    const flags = `${hasLease ? 1 : 0}${mayKeep ? 1 : 0}${isCurrent ? 1 : 0}`;
    name += `|${step},${floor},${value},${flags},${pilot}`;
  }
  return name;
}

type Steps = { readonly name: string; readonly before: Steps } | undefined;

function listOf(steps: Steps): readonly string[] {
  const names: string[] = [];
  for (let step = steps; step !== undefined; step = step.before) names.unshift(step.name);
  return names;
}

function startOf({ writers, readers, evictionsCount }: Scene): State {
  return {
    rank: 0,
    acknowledged: 0,
    cell: undefined,
    memory: [-1, -1],
    writers: writers.map(({ kind }) => ({
      step: 0,
      value: -1,
      isOverlapped: false,
      isPending: kind === 'uncertain',
    })),
    readers: readers.map(() => ({
      step: 'new',
      floor: 0,
      value: -1,
      hasLease: false,
      mayKeep: true,
      isCurrent: false,
      pilot: -1,
    })),
    evictionsLeft: evictionsCount,
  };
}

/** What anybody who asks now would get is not older than what is acknowledged by now. */
function violationIn({ memory, acknowledged, cell, readers }: State): string | undefined {
  const isOld = (value: number) => value >= 0 && value < acknowledged;
  if (memory.some(isOld)) return 'a node has an old value in its memory';
  if (cell?.[0] === 'v' && isOld(Number(cell.slice(1)))) return 'L2 has an old value';
  const isWrong = readers.some(({ step, value, floor }) => step === 'done' && value < floor);
  return isWrong ? 'a reader was given an old value' : undefined;
}

function nextOf(scene: Scene, state: State): readonly Next[] {
  const next: Next[] = [];
  for (const index of scene.writers.keys()) next.push(...writerSteps(scene, state, index));
  for (const index of scene.readers.keys()) next.push(...readerSteps(scene, state, index));
  if (state.evictionsLeft > 0 && state.cell !== undefined) {
    const evictionsLeft = state.evictionsLeft - 1;
    next.push(['Redis forgets', { ...state, cell: undefined, evictionsLeft }]);
  }
  return next;
}

/** What a writer does, in this order. */
const ORDER = ['begin', 'mark', 'table', 'l2', 'memory', 'peers', 'acknowledge'] as const;

function orderOf({ fault }: Scene): readonly (typeof ORDER)[number][] {
  switch (fault) {
    case 'peers told before L2':
      return ['begin', 'mark', 'table', 'peers', 'l2', 'memory', 'acknowledge'];
    case 'own memory before L2':
      return ['begin', 'mark', 'table', 'memory', 'l2', 'peers', 'acknowledge'];
    case 'no finish in L2':
      return ['begin', 'mark', 'table', 'memory', 'peers', 'acknowledge'];
    default:
      return ORDER;
  }
}

function writerSteps(scene: Scene, state: State, index: number): readonly Next[] {
  const writer = scene.writers[index];
  const own = state.writers[index];
  if (writer === undefined || own === undefined) return [];
  const next: Next[] = [];
  const name = `writer ${index} on node ${writer.node}`;
  if (own.isPending && own.step > 2) {
    const late = withWriter(state, index, { isPending: false });
    next.push([`${name}: the table does it late`, { ...late, rank: state.rank + 1 }]);
  }
  const step = orderOf(scene)[own.step];
  if (step === undefined) return next;
  const moved = withWriter(state, index, { step: own.step + 1 });
  const done = writerStep({ scene, state: moved, index, writer }, step);
  if (done !== undefined) next.push([`${name}: ${step}`, done]);
  return next;
}

interface WriterTurn {
  readonly scene: Scene;
  readonly state: State;
  readonly index: number;
  readonly writer: Writer;
}

function writerStep(turn: WriterTurn, step: (typeof ORDER)[number]): State | undefined {
  const { scene, state, index, writer } = turn;
  const value = state.writers[index]?.value ?? -1;
  const stored = writer.kind === 'acknowledged' ? `v${value}` : undefined;
  switch (step) {
    case 'begin':
      return overlapping(turn);
    case 'mark':
      return { ...state, cell: mark(state.cell, String(index)) };
    case 'table': {
      if (writer.kind !== 'acknowledged') return state;
      const rank = state.rank + 1;
      return { ...withWriter(state, index, { value: rank }), rank };
    }
    case 'l2': {
      if (scene.fault === 'stored over other marks' && stored !== undefined) {
        return { ...state, cell: stored };
      }
      const finished = finish(state.cell, String(index), stored);
      const isHeld = writer.kind === 'uncertain';
      return { ...state, cell: isHeld ? hold(finished, String(index)) : finished };
    }
    case 'memory':
      return inOwnMemory(turn);
    case 'peers':
      return writer.kind === 'failed' ? state : invalidated(turn, 1 - writer.node);
    case 'acknowledge': {
      const acknowledged = Math.max(state.acknowledged, value);
      return writer.kind === 'acknowledged' ? { ...state, acknowledged } : state;
    }
  }
}

/** Writes under way on the same node know of each other. */
function overlapping({ scene, state, index, writer }: WriterTurn): State {
  const isUnderWay = (other: number) => {
    const step = state.writers[other]?.step ?? 0;
    const isSameNode = scene.writers[other]?.node === writer.node;
    return other !== index && isSameNode && step > 0 && step <= orderOf(scene).indexOf('memory');
  };
  const others = [...scene.writers.keys()].filter(isUnderWay);
  const overlapped = others.length > 0 ? [...others, index] : [];
  return overlapped.reduce((s, each) => withWriter(s, each, { isOverlapped: true }), state);
}

function inOwnMemory({ scene, state, index, writer }: WriterTurn): State {
  const own = state.writers[index];
  const ignoresOverlap = scene.fault === 'overlapping writes are kept';
  const isKept = writer.kind === 'acknowledged' && (ignoresOverlap || own?.isOverlapped === false);
  const survives = scene.fault === 'flights survive own writes';
  const landed = survives ? state : withoutFlights(scene, state, writer.node);
  return withMemory(landed, writer.node, isKept ? (own?.value ?? -1) : -1);
}

function invalidated({ scene, state }: WriterTurn, node: number): State {
  const survives = scene.fault === 'flights survive invalidations';
  let next = survives ? state : withoutFlights(scene, state, node);
  const memoryStep = orderOf(scene).indexOf('memory');
  for (const [index, { step }] of state.writers.entries()) {
    const isUnderWay = step > 0 && step <= memoryStep && scene.writers[index]?.node === node;
    if (isUnderWay) next = withWriter(next, index, { isOverlapped: true });
  }
  return withMemory(next, node, -1);
}

function readerSteps(scene: Scene, state: State, index: number): readonly Next[] {
  const node = scene.readers[index] ?? 0;
  const own = state.readers[index];
  if (own === undefined || own.step === 'done') return [];
  const name = `reader ${index} on node ${node}`;
  const next = readerStep({ scene, state, index, node, own });
  return next === undefined ? [] : [[`${name}: ${own.step}`, next]];
}

interface ReaderTurn {
  readonly scene: Scene;
  readonly state: State;
  readonly index: number;
  readonly node: number;
  readonly own: ReaderState;
}

function readerStep({ scene, state, index, node, own }: ReaderTurn): State | undefined {
  const lease = `l${index}`;
  switch (own.step) {
    case 'new': {
      const begun = { floor: state.acknowledged };
      const cached = state.memory[node] ?? -1;
      if (cached >= 0) return withReader(state, index, { ...begun, value: cached, step: 'done' });
      const pilot = state.readers.findIndex(
        ({ isCurrent }, other) => isCurrent && scene.readers[other] === node,
      );
      const joined = { ...begun, pilot, step: 'joined' } as const;
      const flying = { ...begun, isCurrent: true, step: 'l2' } as const;
      return withReader(state, index, pilot >= 0 ? joined : flying);
    }
    case 'l2': {
      const { cell, found } = read(state.cell, lease);
      const value = found?.[0] === 'v' ? Number(found.slice(1)) : -1;
      const step = value >= 0 ? 'land' : 'table';
      const hasLease = found === undefined;
      const mayKeep = found?.[0] !== 'h';
      return { ...withReader(state, index, { value, step, hasLease, mayKeep }), cell };
    }
    case 'table':
      return withReader(state, index, { value: state.rank, step: 'land' });
    case 'land': {
      const isKept = own.isCurrent && own.mayKeep;
      const kept = isKept ? withMemory(state, node, own.value) : state;
      return withReader(kept, index, { isCurrent: false, step: own.hasLease ? 'fill' : 'done' });
    }
    case 'fill': {
      const isBlind = scene.fault === 'filled without lease';
      const cell = fill(state.cell, isBlind ? (state.cell ?? '') : lease, `v${own.value}`);
      return {
        ...withReader(state, index, { step: 'done' }),
        cell: isBlind ? `v${own.value}` : cell,
      };
    }
    case 'joined': {
      const pilot = state.readers[own.pilot];
      const hasLanded = pilot?.step === 'done' || pilot?.step === 'fill';
      return hasLanded ? withReader(state, index, { value: pilot.value, step: 'done' }) : undefined;
    }
    case 'done':
      return undefined;
  }
}

function withWriter(state: State, index: number, change: Partial<WriterState>): State {
  const writers = state.writers.map((each, i) => (i === index ? { ...each, ...change } : each));
  return { ...state, writers };
}

function withReader(state: State, index: number, change: Partial<ReaderState>): State {
  const readers = state.readers.map((each, i) => (i === index ? { ...each, ...change } : each));
  return { ...state, readers };
}

function withMemory(state: State, node: number, value: number): State {
  return { ...state, memory: state.memory.map((each, i) => (i === node ? value : each)) };
}

function withoutFlights({ readers: nodes }: Scene, state: State, node: number): State {
  const readers = state.readers.map((each, i) =>
    nodes[i] === node ? { ...each, isCurrent: false } : each,
  );
  return { ...state, readers };
}
