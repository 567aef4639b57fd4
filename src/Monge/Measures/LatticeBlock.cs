using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;

namespace Monge.Measures;

/// <summary>A dense matrix between the row functions of one parity and of another.</summary>
internal sealed class LatticeBlock(int rows, int columns, int threads)
{
    public double[] Values { get; private init; } = new double[rows * columns];

    private int Columns => columns;

    public void Scale(double by)
    {
        for (var k = 0; k < Values.Length; k++)
        {
            Values[k] *= by;
        }
    }

    public double LargestRowSum() => Enumerable.Range(0, rows).Max(i => Values.Skip(i * columns).Take(columns).Sum(Math.Abs));

    public LatticeBlock Times(LatticeBlock other)
    {
        var product = new LatticeBlock(rows, other.Columns, threads);
        Workers.For(rows, threads, i =>
        {
            var to = product.Values.AsSpan(i * other.Columns, other.Columns);
            for (var k = 0; k < columns; k++)
            {
                AddScaled(other.Values.AsSpan(k * other.Columns, other.Columns), Values[(i * columns) + k], to);
            }
        });
        return product;
    }

    // By repeated squaring; the zeroth power is the identity.
    public LatticeBlock Power(int exponent)
    {
        LatticeBlock? result = null;
        var square = this;
        for (var left = exponent; left > 0; left >>= 1)
        {
            result = (left & 1) == 0 ? result : result is null ? square : result.Times(square);
            square = left > 1 ? square.Times(square) : square;
        }

        return result ?? Identity(rows);
    }

    public LatticeBlock Transposed() => new(columns, rows, threads) { Values = HostMatrices.Transposed(Values, rows, columns) };

    public double Trace() => Enumerable.Range(0, rows).Sum(i => Values[(i * columns) + i]);

    public double TraceOfProduct(LatticeBlock other)
    {
        var sum = 0.0;
        for (var i = 0; i < rows; i++)
        {
            for (var k = 0; k < columns; k++)
            {
                sum += Values[(i * columns) + k] * other.Values[(k * rows) + i];
            }
        }

        return sum;
    }

    private LatticeBlock Identity(int size)
    {
        var block = new LatticeBlock(size, size, threads);
        for (var i = 0; i < size; i++)
        {
            block.Values[(i * size) + i] = 1;
        }

        return block;
    }

    public static double Dot(ReadOnlySpan<double> one, ReadOnlySpan<double> other)
    {
        var sums = Vector<double>.Zero;
        var k = 0;
        for (; k <= one.Length - Vector<double>.Count; k += Vector<double>.Count)
        {
            sums += new Vector<double>(one[k..]) * new Vector<double>(other[k..]);
        }

        var sum = Vector.Sum(sums);
        for (; k < one.Length; k++)
        {
            sum += one[k] * other[k];
        }

        return sum;
    }

    public static void AddScaled(ReadOnlySpan<double> values, double factor, Span<double> to)
    {
        var k = 0;
        for (; k <= to.Length - Vector<double>.Count; k += Vector<double>.Count)
        {
            (new Vector<double>(to[k..]) + (factor * new Vector<double>(values[k..]))).CopyTo(to[k..]);
        }

        for (; k < to.Length; k++)
        {
            to[k] += factor * values[k];
        }
    }
}
