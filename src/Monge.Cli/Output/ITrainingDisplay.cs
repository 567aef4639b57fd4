using Monge.Training;

namespace Monge.Cli.Output;

/// <summary>Shows how a run goes. Everything it prints goes to standard error, so that standard output holds results only.</summary>
internal interface ITrainingDisplay : IProgress<TrainingProgress>, IDisposable
{
    /// <summary>A live display on a terminal, plain lines elsewhere.</summary>
    /// <param name="title">What is being done.</param>
    static ITrainingDisplay Create(string title)
    {
        var dumb = Environment.GetEnvironmentVariable("TERM") is "dumb";
        return Console.IsErrorRedirected || dumb ? new PlainDisplay(title, Console.Error) : new LiveDisplay(title);
    }
}
