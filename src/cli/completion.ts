import type { Command, OptionSpec } from "./command.ts";

// The scripts hold texts of this program alone: nothing that comes from a service, a token or a file.

const COMMON = ["--json", "--help"];

function optionNames(commands: readonly Command[], matches: (spec: OptionSpec) => boolean): string {
  const names = commands.flatMap(({ options }) =>
    Object.entries(options).flatMap(([name, spec]) =>
      matches(spec) ? [`--${name}`, ...(spec.short === undefined ? [] : [`-${spec.short}`])] : [],
    ),
  );
  return [...new Set(names)].join("|");
}

const takesFile = ({ value }: OptionSpec) => value === "FILE";
const takesOther = ({ type, value }: OptionSpec) => type === "string" && value !== "FILE";

function words({ words: own = [], options }: Command): string {
  return [...own, ...Object.keys(options).map((name) => `--${name}`), ...COMMON].join(" ");
}

function names(commands: readonly Command[]): string {
  return commands.map(({ name }) => name).join(" ");
}

/** The branches of a `case` on the command, for bash and zsh, which set `offered`. */
function cases(commands: readonly Command[]): string {
  return [
    `    help) offered="${names(commands)}" ;;`,
    ...commands.map((command) => `    ${command.name}) offered="${words(command)}" ;;`),
  ].join("\n");
}

/** A script for bash, from 3.2 on, which has no `mapfile` and no `compopt`. */
export function bashCompletion(commands: readonly Command[]): string {
  return `_bakehouse() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} offered=
  COMPREPLY=()
  case $before in
    ${optionNames(commands, takesFile)})
      local IFS=$'\\n'
      compopt -o filenames 2> /dev/null
      COMPREPLY=($(compgen -f -- "$current"))
      return ;;
    ${optionNames(commands, takesOther)}) return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then offered="${names(commands)} help --help --version"
  else case \${COMP_WORDS[1]} in
${cases(commands)}
  esac; fi
  COMPREPLY=($(compgen -W "$offered" -- "$current"))
}
complete -F _bakehouse bakehouse`;
}

/** A script for zsh: to be evaluated, or to be a file `_bakehouse` among the functions. */
export function zshCompletion(commands: readonly Command[]): string {
  const described = commands.map(({ name, summary }) => {
    const text = summary.replaceAll(":", "\\:").replaceAll("'", "'\\''");
    return `      '${name}:${text}'`;
  });
  return `#compdef bakehouse
_bakehouse() {
  local chosen=\${words[2]} before=\${words[CURRENT-1]} offered=
  case $before in
    ${optionNames(commands, takesFile)}) _files; return ;;
    ${optionNames(commands, takesOther)}) _message value; return ;;
  esac
  if (( CURRENT == 2 )); then
    local -a commands
    commands=(
${described.join("\n")}
      'help:show how a command is used'
    )
    _describe command commands
    return
  fi
  case $chosen in
${cases(commands)}
  esac
  compadd -- \${=offered}
}
if [ "$funcstack[1]" = _bakehouse ]; then _bakehouse "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _bakehouse bakehouse
fi`;
}

/** A script for fish. */
export function fishCompletion(commands: readonly Command[]): string {
  const quote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = [
    // Only the first word is the command: an agent or a platform may be named like one.
    "function __bakehouse_is",
    "  set -l words (commandline -opc)",
    "  test (count $words) -gt 1; and contains -- $words[2] $argv",
    "end",
    "complete -c bakehouse -f",
    "complete -c bakehouse -n __fish_use_subcommand -l version -d 'show the version'",
    "complete -c bakehouse -l help -s h -d 'show how it is used'",
    `complete -c bakehouse -n '__bakehouse_is help' -a ${quote(names(commands))}`,
  ];
  for (const { name, summary, options, words: own = [] } of commands) {
    const inside = `-n ${quote(`__bakehouse_is ${name}`)}`;
    lines.push(`complete -c bakehouse -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`);
    if (own.length > 0) lines.push(`complete -c bakehouse ${inside} -a ${quote(own.join(" "))}`);
    for (const [option, { help, value, short, type }] of Object.entries(options)) {
      const letter = short === undefined ? "" : ` -s ${short}`;
      const needs = type === "boolean" ? "" : value === "FILE" ? " -r -F" : " -x";
      lines.push(`complete -c bakehouse ${inside} -l ${option}${letter}${needs} -d ${quote(help)}`);
    }
    lines.push(`complete -c bakehouse ${inside} -l json -d ${quote("print JSON")}`);
  }
  return lines.join("\n");
}
