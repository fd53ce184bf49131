import { readFileSync } from 'node:fs';

/** Resident memory in MB (of 2^20 bytes): all, and without mapped files that the system may drop. */
export interface Memory {
  readonly residentMb: number;
  readonly withoutFilesMb: number;
}

/** Memory of a process now. @throws the system's error when it does not run */
export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+([0-9]+) kB`, 'm').exec(status)?.[1] ?? 0);
  return {
    residentMb: kilobytes('VmRSS') / 1024,
    withoutFilesMb: kilobytes('RssAnon') / 1024,
  };
}

/** User and system time from /proc/PID/stat, in ticks of 10 ms, which all Linux systems of today use. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
