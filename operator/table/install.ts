/** How this installation is set up: from the operator's options. */
export interface InstallConfig {
  /** Where the operator itself runs. */
  readonly releaseNamespace: string;
  /** As ARNs show it. */
  readonly region: string;
  /** Image of storage pods. */
  readonly dataImage: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly imagePullSecrets: readonly string[];
  /** `Manual`: tables stay on the image that they run until they are annotated `trestle.dev/upgrade`. */
  readonly upgradePolicy: 'Automatic' | 'Manual';
  /** Namespaces whose pods may scrape the metrics of storage pods. */
  readonly metricsNamespaces: readonly string[];
}
