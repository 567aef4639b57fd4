using System.Globalization;
using Monge.Data;
using Monge.Training;

namespace Monge.Cli.Runs;

/// <summary>
/// The course of a run as a table: step, seconds, loss and the figures that the method tells, one row a second and one at the end. The file is replaced every
/// few seconds; a resumed run goes on below the rows of the steps that its checkpoint has.
/// </summary>
internal sealed class MetricsFile(string path) : IProgress<TrainingProgress>
{
    private const string FirstColumns = "iteration,seconds,loss";
    private static readonly TimeSpan s_rowInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_saveInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly List<(long Iteration, string Start, Dictionary<string, string> Figures)> _rows = [];
    private readonly List<string> _figures = [];
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

        string[] lines = File.ReadAllLines(path);
        _figures.AddRange(lines.Length > 0 ? lines[0].Split(',').Skip(3) : []);
        foreach (var cells in lines.Skip(1).Select(l => l.Split(',')))
        {
            if (cells.Length == _figures.Count + 3 && long.TryParse(cells[0], NumberStyles.None, CultureInfo.InvariantCulture, out var iteration))
            {
                _rows.Add(
                    (iteration, string.Join(',', cells[..3]),
                        _figures.Zip(cells[3..]).Where(f => f.Second.Length > 0).ToDictionary(f => f.First, f => f.Second)));
            }
        }
    }

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        lock (_lock)
        {
            if (!value.IsCourse)
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
        _figures.AddRange(value.Figures.Select(f => f.Name).Except(_figures));
        var loss = double.IsFinite(value.Loss) ? value.Loss.ToString("G9", CultureInfo.InvariantCulture) : "";
        _rows.Add((
            value.Iteration,
            string.Create(CultureInfo.InvariantCulture, $"{value.Iteration},{value.Elapsed.TotalSeconds:F3},{loss}"),
            value.Figures.Where(f => double.IsFinite(f.Value)).ToDictionary(f => f.Name, f => f.Value.ToString("G6", CultureInfo.InvariantCulture))));
        (_lastRow, _pending) = (value.Elapsed, null);
    }

    private void WriteFile()
    {
        var head = string.Join(',', _figures.Prepend(FirstColumns));
        var rows = _rows.Select(r => string.Join(',', _figures.Select(f => r.Figures.GetValueOrDefault(f, "")).Prepend(r.Start)));
        AtomicFile.WriteText(path, string.Join('\n', rows.Prepend(head)) + "\n");
    }
}
