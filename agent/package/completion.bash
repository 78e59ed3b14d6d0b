# bash completion of wgnode-agent(8)
_wgnode_agent() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} options=''
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W 'init renew check enroll import status plan check-hooks audit --help --version' -- "$word")
    return
  fi
  case "$previous" in
    --mode) mapfile -t COMPREPLY < <(compgen -W 'Observe Enforce' -- "$word") && return ;;
    --interface)
      mapfile -t COMPREPLY < <(compgen -W "$(cd /sys/class/net 2>/dev/null && echo *)" -- "$word")
      return
      ;;
  esac
  case "${COMP_WORDS[1]}" in
    init) options='--name --address' ;;
    renew) options='--address --new-key --force' ;;
    enroll) options='--all --interface --namespace --mode --address --name' ;;
    import) options='--namespace --mode --address --name' ;;
    status) options='--interface --output' ;;
    plan) options='--interface' ;;
    audit) options='verify --interface --since --output' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$word")
  case "${COMP_WORDS[1]}" in
    import | plan | check-hooks) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word") ;;
  esac
}
complete -o filenames -F _wgnode_agent wgnode-agent
