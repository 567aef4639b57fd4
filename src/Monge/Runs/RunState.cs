using System.Globalization;
using System.Numerics;
using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Training;

namespace Monge.Runs;

/// <summary>Named arrays, numbers and words: what a phase of a run must remember.</summary>
public sealed class RunState
{
    private readonly OrderedDictionary<string, NumericArray> _arrays = [];
    private readonly OrderedDictionary<string, string> _words = [];
    private readonly bool _isFilling;

    /// <summary>An empty state, to be written to.</summary>
    public RunState()
    {
    }

    private RunState(RunState saved)
    {
        (_arrays, _words, _isFilling) = (saved._arrays, saved._words, true);
    }

    /// <summary>The arrays, in the order in which they were put.</summary>
    public IReadOnlyDictionary<string, NumericArray> Arrays => _arrays;

    /// <summary>The numbers and words.</summary>
    public IReadOnlyDictionary<string, string> Words => _words;

    /// <summary>This state as one from which <see cref="Exchange{T}(string, NdArray{T})"/> and its kin fill what they are given.</summary>
    public RunState ToFill() => new(this);

    /// <summary>Puts an array; a name only once.</summary>
    public void Put(string name, NumericArray values) => _arrays.Add(name, values);

    /// <summary>Puts an array of doubles.</summary>
    public void Put(string name, ReadOnlySpan<double> values, params int[] shape) =>
        Put(name, NumericArray.Create(values.ToArray(), shape.Length == 0 ? [values.Length] : shape));

    /// <summary>Puts a number.</summary>
    public void Put(string name, double value) => Put(name, value.ToString("R", CultureInfo.InvariantCulture));

    /// <summary>Puts a word.</summary>
    public void Put(string name, string value) => _words.Add(name, value);

    /// <summary>An array's values as doubles.</summary>
    /// <exception cref="CheckpointException">There is none of this name.</exception>
    public double[] Doubles(string name) => Array(name).ToDoubles();

    /// <summary>A number.</summary>
    /// <exception cref="CheckpointException">There is none of this name.</exception>
    public double Number(string name) => double.TryParse(Word(name), NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
        ? value
        : throw new CheckpointException($"'{name}' is '{Word(name)}' instead of a number");

    /// <summary>A word.</summary>
    /// <exception cref="CheckpointException">There is none of this name.</exception>
    public string Word(string name) => _words.TryGetValue(name, out var value) ? value : throw new CheckpointException($"the number '{name}' is missing");

    /// <summary>Writes an array, or fills it.</summary>
    /// <exception cref="CheckpointException">There is no array of this name and size.</exception>
    public void Exchange<T>(string name, NdArray<T> values)
        where T : unmanaged, IFloatingPointIeee754<T> => Exchange(name, values.Span, [.. values.Sizes]);

    /// <summary>Writes an array, or fills it.</summary>
    /// <exception cref="CheckpointException">There is no array of this name and size.</exception>
    public void Exchange<T>(string name, Span<T> values, params int[] shape)
        where T : unmanaged
    {
        if (!_isFilling)
        {
            Put(name, NumericArray.Create(values.ToArray(), shape.Length == 0 ? [values.Length] : shape));
            return;
        }

        if (Array(name).Length != values.Length)
        {
            throw new CheckpointException($"the array '{name}' has {Array(name).Length} numbers instead of {values.Length}");
        }

        Array(name).Values<T>().CopyTo(values);
    }

    /// <summary>Writes an optimiser's arrays and steps, or fills them.</summary>
    /// <exception cref="CheckpointException">Something is missing or has another size.</exception>
    public void Exchange<T>(OptimiserState<T> optimiser)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(optimiser);
        foreach (var (name, values) in optimiser.Arrays)
        {
            Exchange(name, values);
        }

        Exchange("lossMemory", optimiser.LossMemory);
        var steps = optimiser.Steps;
        Exchange("steps", ref steps);
        optimiser.Steps = steps;
    }

    /// <summary>Writes a number, or fills it.</summary>
    /// <exception cref="CheckpointException">There is none of this name.</exception>
    public void Exchange<T>(string name, ref T value)
        where T : struct, INumber<T>
    {
        if (!_isFilling)
        {
            Put(name, value.ToString(null, CultureInfo.InvariantCulture));
        }
        else if (!T.TryParse(Word(name), NumberStyles.Float, CultureInfo.InvariantCulture, out value))
        {
            throw new CheckpointException($"'{name}' is '{Word(name)}' instead of a number");
        }
    }

    private NumericArray Array(string name) => _arrays.TryGetValue(name, out var values)
        ? values : throw new CheckpointException($"the array '{name}' is missing");
}
