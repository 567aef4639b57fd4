using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Measures;
using Monge.Training;

namespace Monge.Cli;

/// <summary>Says what went wrong in one sentence.</summary>
internal static class Failures
{
    /// <summary>Set to 1 to see where in the program an unexpected error arose.</summary>
    private const string TraceVariable = "MONGE_TRACE";

    /// <summary>The sentence for an error of the library or of the system.</summary>
    public static CommandException Explain(Exception error)
    {
        if (Environment.GetEnvironmentVariable(TraceVariable) == "1")
        {
            Console.Error.WriteLine(error);
        }

        return CommandException.Failure(Sentence(error));
    }

    /// <summary>What went wrong, in words.</summary>
    public static string Sentence(Exception error) => error switch
    {
        CommandException told => told.Message,

        // Of a loop over several threads the first to fail.
        AggregateException { InnerExceptions: [var first, ..] } => Sentence(first),
        DensityException or CheckpointException or ArithmeticException or ShapeException or AnomalyException or DataFormatException or IOException
        or InvalidOperationException or NotSupportedException => error.Message,
        UnauthorizedAccessException => $"{error.Message.TrimEnd('.')}; choose a place that can be written with --out.",
        ArgumentException argument => WithoutParameterName(argument),
        OutOfMemoryException => "There is not enough memory; lower --samples or the batch size.",
        _ => $"Unexpected {error.GetType().Name}: {error.Message} Set {TraceVariable}=1 to see where, and please report it.",
    };

    private static string WithoutParameterName(ArgumentException error) => error.ParamName is { } name
        ? error.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal)
        : error.Message;
}
