{{/* The namespaces that this release serves, as a JSON list. */}}
{{- define "trestle.namespaces" -}}
{{- toJson (.Values.watchNamespaces | default (list .Release.Namespace) | uniq) -}}
{{- end -}}

{{/* Name of an object that has no namespace: no other release's has it. Takes (list context suffix). */}}
{{- define "trestle.clusterName" -}}
{{- $release := (index . 0).Release -}}
{{- printf "trestle.%s.%s.%s" $release.Namespace $release.Name (index . 1) -}}
{{- end -}}

{{/* Names the release in the whole cluster. */}}
{{- define "trestle.releaseId" -}}
{{ .Release.Namespace }}/{{ .Release.Name }}
{{- end -}}

{{/*
Whether this release brings a definition; empty: no. Another release's is left alone while it is good enough. It is
too old: that release upgrades it, or, if it is gone, this one does, which Helm allows with --take-ownership.
Takes (list context name schemaVersion).
*/}}
{{- define "trestle.bringsDefinition" -}}
{{- $context := index . 0 -}}
{{- if $context.Values.crds.enabled -}}
{{- $live := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" (index . 1) | default dict -}}
{{- $annotations := dig "metadata" "annotations" dict $live -}}
{{- $release := dict "Name" (get $annotations "meta.helm.sh/release-name") "Namespace" (get $annotations "meta.helm.sh/release-namespace") -}}
{{- $isOwn := and (eq $release.Name $context.Release.Name) (eq $release.Namespace $context.Release.Namespace) -}}
{{- $version := get $annotations "trestle.dev/schema-version" | int -}}
{{- if or (not $release.Name) $isOwn -}}
true
{{- else if lt $version (index . 2) -}}
{{- $role := include "trestle.clusterName" (list (dict "Release" $release) "operator") -}}
{{- if lookup "rbac.authorization.k8s.io/v1" "ClusterRole" "" $role -}}
{{- fail (printf "the definition %s belongs to the release %s of namespace %s and has schema version %d, this chart needs %d: upgrade that release first" (index . 1) $release.Name $release.Namespace $version (index . 2)) -}}
{{- end -}}
true
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The labels by which pods are selected. Takes (list context component). */}}
{{- define "trestle.selectorLabels" -}}
app.kubernetes.io/name: trestle
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* The labels of every object. Takes (list context component). */}}
{{- define "trestle.labels" -}}
{{- $context := index . 0 -}}
{{ include "trestle.selectorLabels" . }}
app.kubernetes.io/version: {{ $context.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $context.Release.Service }}
app.kubernetes.io/part-of: trestle
helm.sh/chart: {{ printf "%s-%s" $context.Chart.Name $context.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The image of operator, routers and tests. */}}
{{- define "trestle.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* An image of its own: what is not set is as the others'. A tag of its own wins over the others' digest. Takes (list context image). */}}
{{- define "trestle.ownImage" -}}
{{- $own := index . 1 -}}
{{- $shared := (index . 0).Values.image -}}
{{- $repository := $own.repository | default $shared.repository -}}
{{- $digest := ternary $own.digest $shared.digest (or (ne $own.digest "") (ne $own.tag "")) -}}
{{- if $digest -}}
{{ $repository }}@{{ $digest }}
{{- else -}}
{{ $repository }}:{{ $own.tag | default $shared.tag | default (index . 0).Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The image of Redis; empty: there is none. */}}
{{- define "trestle.redisImage" -}}
{{- with .Values.dax.redis.image -}}
{{- if and .repository .digest -}}
{{ .repository }}@{{ .digest }}
{{- else if .repository -}}
{{ .repository }}:{{ required "dax.redis.image: with a repository, a tag or a digest is needed" .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Pod Security "restricted". */}}
{{- define "trestle.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "trestle.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The health port's probes. */}}
{{- define "trestle.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: health}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /livez, port: health}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: health}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
{{- end -}}

{{/* Apart from each other over zones and nodes, where there are several. Takes (list context component). */}}
{{- define "trestle.spread" -}}
{{- $labels := include "trestle.selectorLabels" . -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- topologyKey: {{ . }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  matchLabelKeys: [pod-template-hash]
  labelSelector:
    matchLabels:
      {{- $labels | nindent 6 }}
{{- end }}
{{- end -}}

{{/* What scheduling values of operator or router give. */}}
{{- define "trestle.scheduling" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Network: names are looked up at the cluster's DNS, wherever it runs. */}}
{{- define "trestle.dnsEgress" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end -}}

{{/* Network: the API server is no pod, so it is named by its ports. */}}
{{- define "trestle.apiServerEgress" -}}
- ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end -}}
