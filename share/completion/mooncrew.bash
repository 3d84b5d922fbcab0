# Completion of mooncrew for bash: its options, the installed task scripts, and the options that
# these name in their --help.

# The folder of the installed scripts, as the command finds it: beside itself, links resolved.
__mooncrew_installed() {
  local command folder
  command=$(type -P -- "$1") && command=$(readlink -f -- "$command") || return
  for folder in "${command%/*}/../share/mooncrew/scripts" "${command%/*}/../scripts"; do
    [[ -d $folder ]] && printf '%s\n' "$folder" && return
  done
}

# The names that `mooncrew NAME` takes.
__mooncrew_names() {
  local folder file folders
  IFS=: read -r -a folders <<<"$MOONCREW_SCRIPTS"
  for folder in "${folders[@]}" "$(__mooncrew_installed "$1")"; do
    [[ -n $folder ]] || continue
    for file in "$folder"/*.lua; do
      [[ -f $file ]] && file=${file##*/} && printf '%s\n' "${file%.lua}"
    done
  done
}

# The options of a script. Only those that came with mooncrew are asked: who knows what another one
# does when it is run.
__mooncrew_script_options() {
  local command=$1 name=$2 folder
  folder=$(__mooncrew_installed "$command")
  [[ $name != */* && -n $folder && -f $folder/$name.lua && ! -f $name ]] || return
  # The environment could put another script of this name before ours.
  MOONCREW_SCRIPTS='' LUA_INIT='' LUA_INIT_5_4='' "$command" "$name" --help 2>/dev/null \
    </dev/null | grep -oE -e '(^|[[:space:],[|(])--?[[:alnum:]][[:alnum:]-]*' |
    grep -oE -e '--?[[:alnum:]][[:alnum:]-]*' | sort -u
}

# Where the script is among the words before the cursor; nothing: it is still to come.
__mooncrew_script_at() {
  local at=1
  while ((at < COMP_CWORD)); do
    case ${COMP_WORDS[at]} in
    -e | -l) ((at++)) ;;
    --) ((at++)) && break ;;
    -?*) ;;
    *) break ;;
    esac
    ((at++))
  done
  ((at < COMP_CWORD)) && printf '%s\n' "$at"
}

_mooncrew() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local command=${COMP_WORDS[0]} at choices
  COMPREPLY=()
  at=$(__mooncrew_script_at)
  if [[ -n $at ]]; then
    [[ $word == -* ]] || return # files, by `complete -o default`
    choices=$(__mooncrew_script_options "$command" "${COMP_WORDS[at]}")
  elif ((COMP_CWORD > 1)) && [[ $before == -[el] ]]; then
    compopt +o default +o bashdefault 2>/dev/null # code or a module: not a file
    return
  elif [[ $word == -* && $before != -- ]]; then
    choices=$'-e\n-i\n-l\n-v\n-E\n-W\n--help\n--version'
  else
    compopt -o filenames 2>/dev/null
    choices=$(__mooncrew_names "$command"; compgen -d -- "$word"; compgen -f -X '!*.lua' -- "$word")
  fi
  local IFS=$'\n'
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word" | sort -u)
}

complete -o bashdefault -o default -F _mooncrew mooncrew
