using System.Globalization;
using Monge.Data;
using Monge.Training;

namespace Monge.Cli.Sampling;

/// <summary>
/// The course of training as a table: step, seconds, loss and the effective sample size on the validation batch, one row a second and one at the end.
/// The file is replaced every few seconds; a resumed run goes on below the rows of the steps that its checkpoint has.
/// </summary>
internal sealed class MetricsFile(string path) : IProgress<TrainingProgress>
{
    private const string Header = "iteration,seconds,loss,validation_ess";
    private static readonly TimeSpan s_rowInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_saveInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly List<(long Iteration, string Row)> _rows = [];
    private TimeSpan _lastRow = TimeSpan.MinValue;
    private TimeSpan _lastSave = TimeSpan.Zero;
    private TrainingProgress? _pending;

    /// <summary>Keeps the rows of an earlier part of the run.</summary>
    public void Load()
    {
        if (!File.Exists(path))
        {
            return;
        }

        foreach (var line in File.ReadLines(path).Skip(1))
        {
            if (long.TryParse(line.AsSpan(0, Math.Max(0, line.IndexOf(','))), NumberStyles.None, CultureInfo.InvariantCulture, out var iteration))
            {
                _rows.Add((iteration, line));
            }
        }
    }

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        lock (_lock)
        {
            if (!double.IsFinite(value.Loss))
            {
                return;
            }

            _pending = value;
            if (_lastRow == TimeSpan.MinValue || value.Elapsed - _lastRow >= s_rowInterval)
            {
                Add(value);
            }

            if (value.Elapsed - _lastSave >= s_saveInterval)
            {
                _lastSave = value.Elapsed;
                WriteFile();
            }
        }
    }

    /// <summary>Writes the file with all rows, the last report's included.</summary>
    public void Save()
    {
        lock (_lock)
        {
            if (_pending is { } last)
            {
                Add(last);
            }

            WriteFile();
        }
    }

    private void Add(TrainingProgress value)
    {
        _rows.RemoveAll(r => r.Iteration >= value.Iteration);
        var ess = value.ValidationEss is { } e ? e.ToString("G6", CultureInfo.InvariantCulture) : "";
        _rows.Add((value.Iteration, string.Create(CultureInfo.InvariantCulture, $"{value.Iteration},{value.Elapsed.TotalSeconds:F3},{value.Loss:G9},{ess}")));
        (_lastRow, _pending) = (value.Elapsed, null);
    }

    private void WriteFile() => AtomicFile.WriteText(path, string.Join('\n', _rows.Select(r => r.Row).Prepend(Header)) + "\n");
}
