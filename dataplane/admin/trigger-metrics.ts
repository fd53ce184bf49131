import type { TriggerCounts, TriggerReading } from '../trigger/trigger-counts.ts';
import type { MetricsPage } from './metrics-page.ts';

const LABELS = ['table', 'trigger'];

/** Of triggers whose partitions are, or were, led here. */
export function addTriggerMetrics(
  page: MetricsPage,
  readings: () => readonly TriggerReading[],
): void {
  const labelsOf = ({ tableName: table, triggerName: trigger }: TriggerReading) => ({
    table,
    trigger,
  });
  const counter = (name: string, help: string, pick: (counts: TriggerCounts) => number) =>
    page.counter({ name, help, labels: LABELS }, () =>
      readings().map((reading) => ({ labels: labelsOf(reading), value: pick(reading.counts) })),
    );
  counter(
    'trigger_records_delivered_total',
    'Change records that the target has taken.',
    ({ delivered }) => delivered,
  );
  counter(
    'trigger_records_filtered_total',
    'Change records that no filter pattern matches.',
    ({ filtered }) => filtered,
  );
  counter('trigger_events_total', 'Events posted, with all tries.', ({ events }) => events);
  counter(
    'trigger_failures_total',
    'Of these: not taken, or not as a whole.',
    ({ failures }) => failures,
  );
  counter(
    'trigger_dead_letters_total',
    'Change records given up that the dead-letter address was told of.',
    ({ deadLetters }) => deadLetters,
  );
  counter(
    'trigger_records_discarded_total',
    'Change records given up that nobody was told of.',
    ({ discarded }) => discarded,
  );
  page.gauge(
    {
      name: 'trigger_iterator_age_seconds',
      help: 'Age of the oldest change record that is led here and not delivered.',
      labels: LABELS,
    },
    () =>
      readings().map((reading) => ({
        labels: labelsOf(reading),
        value: reading.iteratorAgeMs / 1000,
      })),
  );
}
