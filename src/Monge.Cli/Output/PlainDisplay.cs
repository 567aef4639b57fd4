using System.Diagnostics;
using System.Globalization;
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
        var ess = p.ValidationEss is { } e ? string.Create(culture, $"  ESS {100 * e:F1} %") : "";
        var held = p.ValidationLoss is { } h ? string.Create(culture, $"  held out {h:G5}") : "";
        var left = p.Remaining > TimeSpan.Zero ? $"  {Duration(p.Remaining)} left" : "";
        var detail = p.Detail is { } what ? $" ({what})" : "";
        var steps = p.TotalIterations > 0 ? string.Create(culture, $": step {p.Iteration} of {p.TotalIterations}") : "";
        return $"{p.Phase}{detail}{steps}{loss}{held}{ess}  {Duration(p.Elapsed)}{left}";
    }

    /// <summary>A length of time in words, such as "2 m 05 s".</summary>
    internal static string Duration(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes:00} m")
        : time.TotalMinutes >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} m {time.Seconds:00} s")
            : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:F1} s");
}
