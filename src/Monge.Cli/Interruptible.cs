using System.CommandLine;

namespace Monge.Cli;

/// <summary>Commands that have nothing to save when they are stopped.</summary>
internal static class Interruptible
{
    /// <summary>
    /// Does the work of a command on another thread, which is left behind at Ctrl-C or SIGTERM: files are written under another name until they are complete,
    /// so nothing half-written remains.
    /// </summary>
    /// <param name="command">The command.</param>
    /// <param name="work">Its work; returns the exit code.</param>
    public static void SetWork(this Command command, Func<ParseResult, CancellationToken, int> work) => command.SetAction(
        (parsed, cancellation) => Task.Run(() => work(parsed, cancellation), CancellationToken.None).WaitAsync(cancellation));
}
