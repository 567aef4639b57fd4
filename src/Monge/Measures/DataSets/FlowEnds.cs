using System.Numerics;
using Monge.Data;
using Monge.Engine.Arrays;

namespace Monge.Measures;

/// <summary>What a fitted transport leads from and to, known before it is learned: columns, coordinates, base and conditions.</summary>
/// <param name="Columns">The columns' names [d].</param>
/// <param name="Standardisation">The change of coordinates between data and model.</param>
/// <param name="Base">Where the transport starts.</param>
public sealed record FlowEnds(IReadOnlyList<string> Columns, Standardisation Standardisation, FlowBase Base)
{
    /// <summary>Marks a coordinate in <see cref="Presence"/> that is always there.</summary>
    public const int AlwaysThere = -1;

    /// <summary>d.</summary>
    public int Dimension => Columns.Count;

    /// <summary>
    /// For a table with types, the input of the condition that is 1 where a coordinate is there [d]. One that isn't keeps its value on the way from a Gaussian
    /// base, and no other sees it, so that the density of the others is exact. Empty for all other data, whose coordinates are always there.
    /// </summary>
    public IReadOnlyList<int> Presence { get; init; } = [];

    /// <summary>The columns that the model is conditioned on.</summary>
    public IReadOnlyList<Condition> Conditions { get; init; } = [];

    /// <summary>Inputs c of the condition, without the flag that says whether it is there.</summary>
    public int Inputs => Conditions.Sum(c => c.Inputs);

    /// <summary>The moments of base and data in the model's coordinates; null where the fields don't need them.</summary>
    public EndMoments? Moments { get; init; }

    /// <summary>Rows in the model's coordinates.</summary>
    /// <param name="rows">Rows [n, d]: in the data's coordinates, of a Gaussian base standard normal numbers.</param>
    /// <param name="isBase">Whether they are rows of the base.</param>
    /// <param name="baseScale">The standard deviation of a Gaussian base in the model's coordinates.</param>
    /// <exception cref="ArgumentException">The numbers are not whole rows.</exception>
    public NdArray<T> ToModel<T>(double[] rows, bool isBase, double baseScale = 1)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Length == 0 || rows.Length % Dimension != 0)
        {
            throw new ArgumentException($"{rows.Length} numbers are not rows of {Dimension} columns.", nameof(rows));
        }

        CheckCurves(rows, isBase);
        var values = isBase && Base.IsGaussian ? Array.ConvertAll(rows, v => v * baseScale) : Standardisation.Apply(rows);
        var result = new NdArray<T>(rows.Length / Dimension, Dimension);
        for (var i = 0; i < values.Length; i++)
        {
            result[i] = T.CreateChecked(values[i]);
        }

        return result;
    }

    /// <summary>The rows [n, d] that <see cref="ToModel"/> takes to positions.</summary>
    /// <param name="positions">Positions [n, d] in the model's coordinates.</param>
    /// <param name="isBase">Whether they are those of the base.</param>
    /// <param name="baseScale">The standard deviation of a Gaussian base in the model's coordinates.</param>
    public double[] FromModel<T>(NdArray<T> positions, bool isBase, double baseScale = 1)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(positions);
        var values = new double[positions.Length];
        var isNoise = isBase && Base.IsGaussian;
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = double.CreateChecked(positions[i]) / (isNoise ? baseScale : 1);
        }

        return isNoise ? values : Standardisation.Undo(values);
    }

    private void CheckCurves(double[] rows, bool isBase)
    {
        for (var at = 0; at < rows.Length && Standardisation.Transforms.Count > 0 && !(isBase && Base.IsGaussian); at++)
        {
            if (Standardisation.Transforms[at % Dimension]?.Takes(rows[at]) == false)
            {
                throw new ArgumentException(
                    FormattableString.Invariant($"Row {(at / Dimension) + 1}, column '{Columns[at % Dimension]}' holds {rows[at]}, but the model was fitted ")
                    + "to positive numbers there, by their logarithms; leave the row out, or fit with rows that hold such numbers.", nameof(rows));
            }
        }
    }
}
