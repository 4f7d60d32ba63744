"""The scripts by which shells complete a command line of this tool, and what they read."""

__all__ = ["SCRIPTS", "written"]

SCRIPTS = {
    "bash": """\
# Completion of backprop for bash: in ~/.local/share/bash-completion/completions/backprop
_backprop() {
    local IFS=$'\\n'
    COMPREPLY=($("$1" completion bash --line "${COMP_LINE:0:COMP_POINT}" --word "$2" 2>/dev/null))
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o default -F _backprop backprop
""",
    "zsh": """\
#compdef backprop
# Completion of backprop for zsh: in _backprop, in a folder of $fpath
_backprop() {
    local -a lines words_ values_
    lines=("${(@f)$("${(Q)words[1]}" completion zsh --line "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}")
    words_=("${(@)lines:#(*=:*|*=|)}")
    values_=("${(@M)lines:#(*=:*|*=)}")
    if (( $#words_ + $#values_ )); then
        (( $#words_ )) && _describe -V backprop words_
        (( $#values_ )) && _describe -V backprop values_ -S ''
    else
        _files
    fi
}
if [ "$funcstack[1]" = "_backprop" ]; then
    _backprop "$@"
else
    compdef _backprop backprop
fi
""",
    "fish": """\
# Completion of backprop for fish: in ~/.config/fish/completions/backprop.fish
function __backprop_complete
    set -l line (commandline -cp)
    set -l found (command backprop completion fish --line "$line" 2>/dev/null)
    if count $found >/dev/null
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command backprop --no-files --arguments '(__backprop_complete)'
""",
}
"""A shell -> its script. What ends in = gets no space after it; where nothing is found, a file may
stand."""


def written(shell: str, value: str, text: str) -> str:
    """A candidate and what it is, as the shell's script reads it."""
    if shell == "bash" or not text:
        return value.replace(":", "\\:") if shell == "zsh" else value
    return f"{value}\t{text}" if shell == "fish" else value.replace(":", "\\:") + f":{text}"
