using System.Globalization;
using Monge.Runs;
using Monge.Training;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Monge.Cli.Output;

/// <summary>A few lines on the terminal that are redrawn in place: how far, the course of the loss, the effective sample size, the time left.</summary>
internal sealed class LiveDisplay : ITrainingDisplay
{
    private const int BarWidth = 40;
    private const string Eighths = "▁▂▃▄▅▆▇█";

    private readonly string _title;
    private readonly Lock _lock = new();
    private readonly List<double> _losses = [];
    private readonly CancellationTokenSource _end = new();
    private readonly Task _drawing;
    private TrainingProgress _last;

    /// <summary>Starts to draw.</summary>
    public LiveDisplay(string title)
    {
        _title = title;
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        _drawing = console.Live(new Text(title)).AutoClear(true).StartAsync(DrawAsync);
    }

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        lock (_lock)
        {
            _last = value;
            if (double.IsFinite(value.Loss))
            {
                _losses.Add(value.Loss);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _end.Cancel();
        _drawing.Wait();
        _end.Dispose();
    }

    private async Task DrawAsync(LiveDisplayContext context)
    {
        while (!_end.IsCancellationRequested)
        {
            context.UpdateTarget(Picture());
            await Task.Delay(200, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private IRenderable Picture()
    {
        lock (_lock)
        {
            var p = _last;
            var share = p.TotalIterations > 0 ? Math.Clamp((double)p.Iteration / p.TotalIterations, 0, 1) : 0;
            var filled = (int)(share * BarWidth);
            var culture = CultureInfo.InvariantCulture;
            var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
            grid.AddRow($"[bold]{Markup.Escape(_title)}[/]", Markup.Escape(p.Detail is { } what ? $"{p.Phase}: {what}" : p.Phase ?? ""));
            grid.AddRow("steps", string.Create(
                culture, $"[green]{new string('━', filled)}[/][grey]{new string('━', BarWidth - filled)}[/] {p.Iteration} of {p.TotalIterations}"));
            if (_losses.Count > 0)
            {
                grid.AddRow("loss", string.Create(culture, $"{Course(_losses)} {_losses[^1]:G4}"));
            }

            foreach (var figure in p.Figures)
            {
                grid.AddRow(Markup.Escape(figure.Words), PlainDisplay.Number(figure));
            }

            grid.AddRow("time", p.Remaining > TimeSpan.Zero
                ? $"{ResultText.Duration(p.Elapsed)}, {ResultText.Duration(p.Remaining)} left" : ResultText.Duration(p.Elapsed));
            return grid;
        }
    }

    /// <summary>The losses so far on a logarithmic scale (a linear one if some aren't positive), in as many characters as the bar.</summary>
    internal static string Course(IReadOnlyList<double> losses)
    {
        var points = Math.Min(BarWidth, losses.Count);
        var logs = new double[points];
        var isLogarithmic = losses.All(l => l > 0);
        for (var k = 0; k < points; k++)
        {
            var loss = losses[(int)((k + 1L) * losses.Count / points) - 1];
            logs[k] = isLogarithmic ? Math.Log(loss) : loss;
        }

        var (low, high) = (logs.Min(), logs.Max());
        return string.Concat(logs.Select(l => Eighths[high > low ? (int)Math.Round((l - low) / (high - low) * (Eighths.Length - 1)) : 0]));
    }
}
