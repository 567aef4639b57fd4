namespace Monge.Engine.LinearAlgebra;

/// <summary>The factor L of a Gram matrix G = L L^T to which columns are appended and from which they are removed, each in a square of their number.</summary>
/// <remarks>Source: Golub and Van Loan, "Matrix Computations", section 6.5: a row that is taken out leaves one entry above the diagonal in each row below it,
/// which a rotation of two columns each takes away.</remarks>
internal sealed class UpdatedCholesky(int capacity)
{
    private readonly List<double[]> _rows = [];

    public void Clear() => _rows.Clear();

    /// <summary>Appends a column, unless what is left of its square beside the others is no more than a bound.</summary>
    /// <param name="products">Its inner products with the others.</param>
    /// <param name="square">Its square.</param>
    /// <param name="least">The bound.</param>
    /// <returns>Whether it was appended.</returns>
    public bool Append(ReadOnlySpan<double> products, double square, double least)
    {
        var n = _rows.Count;
        if (n == capacity)
        {
            return false;
        }

        var row = new double[capacity];
        for (var k = 0; k < n; k++)
        {
            row[k] = (products[k] - VectorKernels.Dot(row.AsSpan(0, k), _rows[k])) / _rows[k][k];
        }

        var rest = square - VectorKernels.Dot(row.AsSpan(0, n), row);
        if (!(rest > least))
        {
            return false;
        }

        row[n] = Math.Sqrt(rest);
        _rows.Add(row);
        return true;
    }

    public void Remove(int index)
    {
        _rows.RemoveAt(index);
        for (var k = index; k < _rows.Count; k++)
        {
            var (a, b) = (_rows[k][k], _rows[k][k + 1]);
            var length = double.Hypot(a, b);
            var (cosine, sine) = (a / length, b / length);
            for (var i = k; i < _rows.Count; i++)
            {
                var row = _rows[i];
                (row[k], row[k + 1]) = ((cosine * row[k]) + (sine * row[k + 1]), (cosine * row[k + 1]) - (sine * row[k]));
            }

            _rows[k][k + 1] = 0;
        }
    }

    /// <summary>Solves G x = b in place.</summary>
    public void Solve(Span<double> values)
    {
        for (var k = 0; k < _rows.Count; k++)
        {
            values[k] = (values[k] - VectorKernels.Dot(_rows[k].AsSpan(0, k), values)) / _rows[k][k];
        }

        for (var k = _rows.Count - 1; k >= 0; k--)
        {
            values[k] /= _rows[k][k];
            VectorKernels.AddScaled(-values[k], _rows[k].AsSpan(0, k), values);
        }
    }
}
