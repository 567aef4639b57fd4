using System.Diagnostics;
using System.Globalization;
using Monge.Runs;
using Monge.Training;

namespace Monge.Cli.Output;

/// <summary>A line of progress every few seconds and at each new phase, for logs and pipes.</summary>
internal sealed class PlainDisplay : ITrainingDisplay
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);

    private readonly TextWriter _output;
    private readonly Lock _lock = new();
    private long _last;
    private string _phase = "";

    /// <summary>Prints the title.</summary>
    public PlainDisplay(string title, TextWriter output)
    {
        _output = output;
        _output.WriteLine(title);
    }

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        lock (_lock)
        {
            if (value.Phase == _phase && Stopwatch.GetElapsedTime(_last) < s_interval)
            {
                return;
            }

            (_phase, _last) = (value.Phase, Stopwatch.GetTimestamp());
            _output.WriteLine(Line(value));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>A report in one line.</summary>
    internal static string Line(TrainingProgress p)
    {
        var culture = CultureInfo.InvariantCulture;
        var loss = double.IsFinite(p.Loss) ? string.Create(culture, $"  loss {p.Loss:G4}") : "";
        var figures = string.Concat(p.Figures.Select(f => $"  {f.Words} {Number(f)}"));
        var left = p.Remaining > TimeSpan.Zero ? $"  {ResultText.Duration(p.Remaining)} left" : "";
        var detail = p.Detail is { } what ? $" ({what})" : "";
        var steps = p.TotalIterations > 0 ? string.Create(culture, $": step {p.Iteration} of {p.TotalIterations}") : "";
        return $"{p.Phase}{detail}{steps}{loss}{figures}  {ResultText.Duration(p.Elapsed)}{left}";
    }

    /// <summary>A figure's number as displays show it.</summary>
    internal static string Number(Figure figure) =>
        figure.IsShare ? string.Create(CultureInfo.InvariantCulture, $"{100 * figure.Value:F1} %") : figure.Value.ToString("G5", CultureInfo.InvariantCulture);
}
