namespace Monge.Cli;

/// <summary>A failure that is told to the user in one sentence on standard error and ends the command with an exit code.</summary>
internal sealed class CommandException(string message, int exitCode) : Exception(message)
{
    /// <summary>The exit code of the command.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>The command line can't be followed as it is written.</summary>
    public static CommandException Usage(string message) => new(message, ExitCodes.Usage);

    /// <summary>The command line was understood, but the work can't be done.</summary>
    public static CommandException Failure(string message) => new(message, ExitCodes.Failure);
}

/// <summary>The command was interrupted and has said so itself, with how to go on.</summary>
internal sealed class InterruptedException : OperationCanceledException;

/// <summary>Exit codes of the command line.</summary>
internal static class ExitCodes
{
    /// <summary>All done.</summary>
    public const int Success = 0;

    /// <summary>The work failed, or a reproduced figure fell short.</summary>
    public const int Failure = 1;

    /// <summary>The command line can't be followed.</summary>
    public const int Usage = 2;

    /// <summary>The work was done, but what came out is of no use, as its status says.</summary>
    public const int Useless = 3;

    /// <summary>Ended by Ctrl-C, after saving what there was.</summary>
    public const int Interrupted = 130;

    /// <summary>Ended by SIGTERM, after saving what there was.</summary>
    public const int Terminated = 143;
}
