{{/* The instances that run, each with what the plan says for all of them. */}}
{{- define "classvip.instances" -}}
{{- $plan := .Values.plan | fromYaml -}}
{{- if hasKey $plan "Error" -}}{{- fail (printf "plan is not a mapping of settings: %s" $plan.Error) -}}{{- end -}}
{{- $shared := mergeOverwrite (deepCopy (omit $plan "instances")) .Values.settings -}}
{{- $all := list -}}
{{- /* A name may hold commas itself. */ -}}
{{- $only := "" -}}
{{- with .Values.settings.only }}{{- $only = kindIs "slice" . | ternary (join "," .) (toString .) -}}{{- end -}}
{{- range (default (list (dict)) $plan.instances) -}}
{{- $instance := mergeOverwrite (deepCopy $shared) . -}}
{{- $name := include "classvip.instanceName" $instance -}}
{{- if or (not $only) (contains (printf ",%s," $name) (printf ",%s," (replace " " "" $only))) -}}
{{- $all = append $all $instance -}}
{{- end -}}
{{- end -}}
{{- if not $all -}}{{- fail (printf "settings.only: the plan has no instance %s" $only) -}}{{- end -}}
{{- $all | toYaml -}}
{{- end -}}

{{/* The name of an instance, as classvip finds it. */}}
{{- define "classvip.instanceName" -}}
{{- if .name -}}{{- .name -}}
{{- else if eq (toString .controlPlane) "true" -}}control-plane
{{- else -}}
{{- default "classless" .loadBalancerClass -}}
{{- with .namespaces }}@{{- join "," (include "classvip.words" . | fromYamlArray) -}}{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Lease of an instance, as classvip names it; a name that needs a hash must be said. */}}
{{- define "classvip.leaseName" -}}
{{- if .leaseName -}}{{- .leaseName -}}
{{- else if eq (toString .controlPlane) "true" -}}classvip-control-plane
{{- else if .namespaces -}}{{- fail "leaseName must be set beside namespaces" -}}
{{- else if not .loadBalancerClass -}}classvip
{{- else -}}
{{- $name := printf "classvip-%s" (.loadBalancerClass | replace "/" ".") -}}
{{- $last := .loadBalancerClass | splitList "/" | last -}}
{{- if or (not (regexMatch "^[a-z0-9.-]{1,63}$" $name)) (contains "." $last) (regexMatch "-[0-9a-f]{8}$" $name) -}}
{{- fail (printf "leaseName must be set for the class %s" .loadBalancerClass) -}}
{{- end -}}
{{- $name -}}
{{- end -}}
{{- end -}}

{{/* Of every object: as chosen, or the Lease of the first instance, which no other process has. */}}
{{- define "classvip.name" -}}
{{- with .Values.name }}{{- . -}}
{{- else -}}{{- include "classvip.leaseName" (include "classvip.instances" . | fromYamlArray | first) -}}
{{- end -}}
{{- end -}}

{{/* Of what stands beside that of other namespaces. */}}
{{- define "classvip.roleName" -}}
{{- printf "%s:%s" .Release.Namespace (include "classvip.name" .) -}}
{{- end -}}

{{- define "classvip.labels" -}}
app.kubernetes.io/name: classvip
app.kubernetes.io/instance: {{ include "classvip.name" . }}
{{- end -}}

{{/* host:port or off: what was chosen, else a port that stays the same for the name. */}}
{{- define "classvip.httpAddress" -}}
{{- $chosen := (include "classvip.instances" . | fromYamlArray | first).httpAddress -}}
{{- if kindIs "bool" $chosen -}}off
{{- else if $chosen -}}{{- $chosen -}}
{{- else -}}
{{- printf "127.0.0.1:%d" (add 21120 (mod (include "classvip.name" . | adler32sum | int64) 1000)) -}}
{{- end -}}
{{- end -}}

{{/* A list of words, however it is written. */}}
{{- define "classvip.words" -}}
{{- $words := list -}}
{{- if kindIs "slice" . -}}{{- $words = . -}}{{- else if . -}}{{- $words = splitList "," (toString .) -}}{{- end -}}
{{- $trimmed := list -}}
{{- range $words -}}{{- $trimmed = append $trimmed (trim (toString .)) -}}{{- end -}}
{{- $trimmed | uniq | sortAlpha | toYaml -}}
{{- end -}}
