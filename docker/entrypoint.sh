#!/usr/bin/env bash
# entrypoint.sh jobmanager | taskmanager | submit [arguments of the job] | arguments of the sidstream command
set -euo pipefail
home=${SIDSTREAM_HOME:-/opt/sidstream}
conf=${FLINK_CONF_DIR:-$home/conf}
export FLINK_CONF_DIR=$conf
# A Flink distribution's lib, and that of the sidstream command.
cluster="$home/cluster/*"
command="$home/lib/*"

flags=("-Dlog4j2.configurationFile=$conf/log4j2-console.properties")
for package in java.lang java.lang.invoke java.lang.reflect java.net java.io java.nio java.text java.time java.util \
  java.util.concurrent java.util.concurrent.atomic java.util.concurrent.locks sun.nio.ch; do
  flags+=("--add-opens=java.base/$package=ALL-UNNAMED")
done

# Flink works out the memory of a process from the configuration; its answer is on marked lines.
resources() {
  java "${flags[@]}" -cp "$cluster" org.apache.flink.runtime.util.bash.BashJavaUtils "$1" --configDir "$conf" \
    2>/dev/null | sed -n 's/^BASH_JAVA_UTILS_EXEC_RESULT://p'
}

case ${1:-} in
  jobmanager)
    mapfile -t answer < <(resources GET_JM_RESOURCE_PARAMS)
    read -ra jvm <<<"${answer[0]}"
    read -ra dynamic <<<"${answer[1]:-}"
    exec java "${jvm[@]}" "${flags[@]}" -cp "$cluster" \
      org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint \
      --configDir "$conf" --executionMode cluster ${dynamic[@]+"${dynamic[@]}"}
    ;;
  taskmanager)
    mapfile -t answer < <(resources GET_TM_RESOURCE_PARAMS)
    read -ra jvm <<<"${answer[0]}"
    read -ra dynamic <<<"${answer[1]:-}"
    exec java "${jvm[@]}" "${flags[@]}" -cp "$cluster" org.apache.flink.runtime.taskexecutor.TaskManagerRunner \
      --configDir "$conf" ${dynamic[@]+"${dynamic[@]}"}
    ;;
  submit)
    shift
    exec java "${flags[@]}" -cp "$cluster" org.apache.flink.client.cli.CliFrontend run --detached \
      "$home/sidstream-job.jar" "$@"
    ;;
  *)
    exec java -Xmx2g "${flags[@]}" -cp "$command" io.sidstream.cli.main.Main "$@"
    ;;
esac
